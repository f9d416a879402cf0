#!/usr/bin/env bash
# Reports one status of a deploy to a phaseline server. Needs bash, curl (7.71 or newer) and jq, and no GitHub.
#
#   PHASELINE_DEPLOY_ID  the console's id of the deploy; empty: nothing is sent    PHASELINE_STATUS   what to report
#   PHASELINE_URL        base address of the server                                PHASELINE_TOKEN    bearer token
#   PHASELINE_MESSAGE    one line for people                                       PHASELINE_RETRIES  default 20
#   PHASELINE_FAIL_ON    outcomes that make this script exit 1; default none
#   PHASELINE_AUDIENCE   whom an ID token is asked for; default: PHASELINE_URL, without a slash at its end
#   PHASELINE_ALLOW_HTTP true: the address may be http:// of another machine, to which a token then goes in the clear
#   PHASELINE_ATTEMPT, PHASELINE_RUN_ID, PHASELINE_RUN_URL: default to what GitHub Actions says of the run. An empty
#   PHASELINE_RUN_URL says that the run has no page.
#
# For CI systems that run a job again without counting (GitHub counts by itself):
#   PHASELINE_NEXT_ATTEMPT  true, at the first report of a job: where the deploy has failed or was cancelled, and the attempt can
#                           therefore not go on, the report begins the next attempt
#   PHASELINE_ATTEMPT_FILE  where such a report writes the number of its attempt, and where every report reads it. What is in
#                           the file comes before PHASELINE_ATTEMPT
#
# Reporting must never decide a deploy's fate, so the exit code is 0 whatever became of the report: 1 only where
# PHASELINE_FAIL_ON names the outcome, 2 where it names what is no outcome. The outcome is written to the file that
# PHASELINE_OUTCOME_FILE names, one word, and to $GITHUB_OUTPUT. When nothing was recorded there is a warning: on GitHub an annotation
# and a line of the summary, elsewhere a line on standard error. Elsewhere than on GitHub the last line on standard output is
# `STATUS: OUTCOME`, with a detail in brackets behind it, or there is none because there was nothing to send.
# No `set -e`: every failure below ends in an outcome, not in a sudden exit.
set -uo pipefail

known_outcomes='skipped delivered duplicate rejected unauthorized unreachable'
status=${PHASELINE_STATUS:-}

# Text from outside becomes one short line. Printed as it came, a line that starts with `::` or holds `##[` would be obeyed
# by the runner as a command, and a backtick would end the code span that holds the text in the job summary.
harmless() {
  local text=${1//[^[:print:]]/ }
  # Until none is left: of three colons the last two would stay together. `##` begins commands of other runners, too.
  while [[ $text == *::* ]]; do text=${text//::/: :}; done
  while [[ $text == *'##'* ]]; do text=${text//'##'/# #}; done
  text=${text//\`/\'}
  printf '%s' "${text:0:300}"
}

on_github() { [ "${GITHUB_ACTIONS:-}" = true ]; }

# Says it where people look: the log, the run's annotations, the job summary.
warn() {
  local text
  text="$(harmless "$status") was not recorded by phaseline ($1): $(harmless "$2")"
  if on_github; then
    printf '::warning title=Not recorded by phaseline::%s\n' "${text//%/%25}"
  else
    printf 'warning: %s\n' "$text" >&2
  fi
  if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then
    printf -- "- ⚠️ \`%s\`\n" "$text" >>"$GITHUB_STEP_SUMMARY"
  fi
}

# finish OUTCOME [DETAIL]: tells the outcome and ends the script.
finish() {
  local outcome=$1 detail=${2:-} word
  if [ -n "${GITHUB_OUTPUT:-}" ]; then printf 'outcome=%s\n' "$outcome" >>"$GITHUB_OUTPUT"; fi
  if [ -n "${PHASELINE_OUTCOME_FILE:-}" ]; then printf '%s\n' "$outcome" >"$PHASELINE_OUTCOME_FILE"; fi
  case $outcome in
    skipped) ;; # silently, as deploys that the console did not start expect
    delivered | duplicate) printf '%s: %s (%s)\n' "$(harmless "$status")" "$outcome" "$(harmless "$detail")" ;;
    *)
      warn "$outcome" "$detail"
      on_github || printf '%s: %s\n' "$(harmless "$status")" "$outcome"
      ;;
  esac
  for word in ${PHASELINE_FAIL_ON:-}; do
    case " $known_outcomes " in
      *" $word "*) if [ "$word" = "$outcome" ]; then exit 1; fi ;;
      # A typing error here would switch off the very check somebody asked for.
      *) printf 'error: fail-on: %s is none of: %s\n' "$(harmless "$word")" "$known_outcomes" >&2 && exit 2 ;;
    esac
  done
  exit 0
}

deploy_id=${PHASELINE_DEPLOY_ID:-}
if [ -z "${deploy_id//[[:space:]]/}" ]; then finish skipped; fi

for tool in curl jq; do
  command -v "$tool" >/dev/null || finish unreachable "$tool is not installed"
done

url=${PHASELINE_URL:-}
url=${url//[[:space:]]/}
# Over http whoever is on the way can read the token. The server is as strict with the addresses in its trust file.
this_machine='^http://(localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:[0-9]+)?(/|$)'
case $url in
  '') finish unreachable 'no server address is set' ;;
  https://?*) ;;
  http://?*)
    if [ "${PHASELINE_ALLOW_HTTP:-}" != true ] && ! [[ $url =~ $this_machine ]]; then
      finish unreachable 'the server address must start with https://, unless it is of this machine itself or allow-http (PHASELINE_ALLOW_HTTP) is true'
    fi
    ;;
  *) finish unreachable 'the server address must start with https://' ;;
esac
while [ "${url%/}" != "$url" ]; do url=${url%/}; done

retries=${PHASELINE_RETRIES:-20}
case $retries in '' | *[!0-9]*) retries=20 ;; esac

umask 077
work=$(mktemp -d "${RUNNER_TEMP:-${TMPDIR:-/tmp}}/phaseline.XXXXXX") || finish unreachable 'no temporary directory'
trap 'rm -rf "$work"' EXIT

# The run's own address names the attempt too, so that a link to a run that failed does not show the one that passed.
run_url=''
if [ -n "${GITHUB_REPOSITORY:-}" ] && [ -n "${GITHUB_RUN_ID:-}" ]; then
  run_url="${GITHUB_SERVER_URL:-https://github.com}/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID/attempts/${GITHUB_RUN_ATTEMPT:-1}"
fi
kept_attempt=''
if [ -n "${PHASELINE_ATTEMPT_FILE:-}" ] && [ -s "$PHASELINE_ATTEMPT_FILE" ]; then kept_attempt=$(<"$PHASELINE_ATTEMPT_FILE"); fi
case $kept_attempt in *[!0-9]*) kept_attempt='' ;; esac
export PHASELINE_ATTEMPT="${kept_attempt:-${PHASELINE_ATTEMPT:-${GITHUB_RUN_ATTEMPT:-1}}}" \
  PHASELINE_RUN_ID="${PHASELINE_RUN_ID:-${GITHUB_RUN_ID:-}}" PHASELINE_RUN_URL="${PHASELINE_RUN_URL-$run_url}"

# jq reads the environment itself: nothing is quoted by hand, and nothing passes through a command line.
# shellcheck disable=SC2016 # the dollars are GraphQL's and jq's
write_request() {
  jq -n '
  def optional: if . == null or . == "" then null else . end;
  {
    query: "mutation Report($input: CallbackInput!) { applyCallback(input: $input) { duplicate entry { sequence } deploy { attempt status { key outcome } } } }",
    variables: {input: ({
      deployId: (env.PHASELINE_DEPLOY_ID | gsub("^\\s+|\\s+$"; "")),
      status: (env.PHASELINE_STATUS // ""),
      attempt: ((env.PHASELINE_ATTEMPT | tonumber?) // 1),
      runId: (env.PHASELINE_RUN_ID | optional),
      runUrl: (env.PHASELINE_RUN_URL | optional),
      message: (env.PHASELINE_MESSAGE // "" | gsub("[[:cntrl:]\\s]+"; " ") | sub("^ "; "") | .[0:500] | sub(" $"; "") | optional)
    } | with_entries(select(.value != null)))}
  }' >"$work/request" || finish unreachable 'jq could not build the request'
}

# How every request is made. Nothing is followed to another address, where a token might go with it.
request=(--disable --silent --show-error --globoff --proto '=http,https' --connect-timeout 5 --max-time 15
  --retry "$retries" --retry-all-errors)

# A job with `permissions: id-token: write` may ask GitHub for an ID token, which says what run this is and for whom it was
# made. It is good for one report, so each report asks for its own. Where there is none, `no_token` says why, and `github_away`
# whether that may be otherwise in a moment.
no_token='' github_away=''
ask_for_id_token() {
  local audience answered
  export PHASELINE_AUDIENCE="${PHASELINE_AUDIENCE:-$url}"
  audience=$(jq -n 'env.PHASELINE_AUDIENCE | @uri')
  printf 'Accept: application/json\nAuthorization: Bearer %s\n' "$ACTIONS_ID_TOKEN_REQUEST_TOKEN" >"$work/asking-headers"
  answered=$(curl "${request[@]}" --retry-max-time 20 --header "@$work/asking-headers" --output "$work/id-token" \
    --write-out '%{http_code}' "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=${audience//\"/}" 2>"$work/curl-says") ||
    github_away=yes no_token="GitHub gave no ID token: $(tail -n 1 "$work/curl-says")"
  if [ -n "$no_token" ]; then return; fi
  token=$(jq -r '.value? | strings' "$work/id-token" 2>/dev/null)
  if [[ $token =~ ^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$ ]]; then
    # The runner obeys this line instead of printing it, and from here on prints stars in the token's place.
    if on_github; then printf '::add-mask::%s\n' "$token"; fi
  else
    token='' no_token="GitHub gave no ID token: HTTP $answered"
    case $answered in 408 | 429 | 5??) github_away=yes ;; esac
  fi
}

# White space is dropped: a newline pasted at the end of a secret would otherwise end the headers.
token=${PHASELINE_TOKEN:-}
token=${token//[[:space:]]/}
if [ -n "$token" ]; then
  :
elif [ -n "${ACTIONS_ID_TOKEN_REQUEST_URL:-}" ] && [ -n "${ACTIONS_ID_TOKEN_REQUEST_TOKEN:-}" ]; then
  ask_for_id_token
elif [ "${GITHUB_ACTIONS:-}" = true ]; then
  no_token="add 'permissions: {contents: read, id-token: write}' to this job, or give the action a token"
else
  no_token='no token was given'
fi

# In a file of our own, because arguments can be read by every process of the machine.
printf 'Content-Type: application/json\nAccept: application/graphql-response+json, application/json\n' >"$work/headers"
if [ -n "$token" ]; then printf 'Authorization: Bearer %s\n' "$token" >>"$work/headers"; fi

# Sending twice is safe: phaseline answers a repeat with the first entry. So whatever did not get through is sent again
# (curl itself chooses 408, 429 and 5xx among the answers, and keeps to Retry-After); a refusal (422) is final.
send_request() {
  http_status=$(curl "${request[@]}" --retry-max-time 45 --header "@$work/headers" --data-binary "@$work/request" \
    --output "$work/response" --write-out '%{http_code}' "$url/graphql" 2>"$work/curl-says")
}

# First line: the outcome, one of our own words. Second line: the attempt that could begin here, if one could. After it: the
# detail, in the server's words. Errors are read whatever the HTTP status: GraphQL may carry them on a 200.
# A next attempt could begin where this one's report is there already and the deploy has ended otherwise than well since; or where
# the graph leads on for a higher attempt alone, which a refusal looks like whose attempt is the very one that reports. Where a
# later attempt has begun without this job's knowing, that one goes on, or has ended in turn.
read_answer() {
  jq -r '
  env.http_status as $http
  | ((.errors? // []) | if type == "array" then .[0] else . end) as $error
  | ($error.extensions?.code? // "" | tostring) as $code
  | if $http == "401" or $http == "403" or $code == "UNAUTHENTICATED" or $code == "FORBIDDEN" then
      ($error.extensions?.claim? // "" | tostring) as $claim
      | "unauthorized\n\nHTTP \($http) \($code)" + (if $claim == "" then "" else ", claim \($claim)" end)
      + (if $error == null then "" else ": \($error.message? // "" | tostring)" end)
    elif $http == "408" or $http == "429" or ($http | startswith("5")) or $code == "UNAVAILABLE" or $code == "RATE_LIMITED" then
      "unreachable\n\nHTTP \($http) \($code)"
    elif $error != null then
      ($error.extensions?.attempt? // "" | tostring) as $standing
      | (if $code == "ILLEGAL_TRANSITION" and $standing == env.PHASELINE_ATTEMPT then $standing | tonumber + 1
         elif $code == "STALE_ATTEMPT" and ($standing | tonumber? // 0) > (env.PHASELINE_ATTEMPT | tonumber? // 0) then $standing
         else "" end) as $next
      | "rejected\n\($next)\n\($code) \($error.message? // "" | tostring)"
    elif ($http | startswith("2")) and (.data?.applyCallback?.entry?.sequence? | type) == "number" then
      .data.applyCallback as $receipt
      | ($receipt.deploy?.status?.outcome? // "" | tostring) as $ended
      | (if $ended == "FAILED" or $ended == "CANCELLED" then $receipt.deploy?.attempt? // "" else "" end) as $standing
      | if $receipt.duplicate == true then
          "duplicate\n\(if $standing | type == "number" then $standing + 1 else "" end)\nentry \($receipt.entry.sequence)"
        else "delivered\n\nentry \($receipt.entry.sequence)" end
    else error("not an answer of phaseline") end
  ' "$work/response" 2>/dev/null
}

# Sends the report of PHASELINE_ATTEMPT. Leaves what became of it in `outcome` and `detail`, and in `next` the attempt that
# could begin in its place, if one could.
outcome='' detail='' next=''
report() {
  local answer rest
  outcome='' detail='' next=''
  write_request
  export http_status=''
  if ! send_request; then
    outcome=unreachable detail=$(tail -n 1 "$work/curl-says")
    return
  fi
  answer=$(read_answer)
  if [ -n "$answer" ]; then
    outcome=${answer%%$'\n'*} rest=${answer#*$'\n'}
    next=${rest%%$'\n'*} detail=${rest#*$'\n'}
    case $next in *[!0-9]*) next='' ;; esac
    return
  fi
  case $http_status in
    401 | 403) outcome=unauthorized detail="HTTP $http_status" ;;
    *) outcome=unreachable detail="HTTP $http_status, and the answer is not phaseline's" ;;
  esac
}

report
if [ "${PHASELINE_NEXT_ATTEMPT:-}" = true ]; then
  attempt=$PHASELINE_ATTEMPT
  for _ in 1 2; do # to the attempt that the deploy is in, and to the one after it
    if [ -z "$next" ]; then break; fi
    PHASELINE_ATTEMPT=$next
    report
    # Where it may not begin, what this job reports still belongs to the one before.
    if [ "$outcome" != rejected ]; then attempt=$PHASELINE_ATTEMPT; fi
  done
  # Jobs that come after this one read it, perhaps as another user.
  if [ -n "${PHASELINE_ATTEMPT_FILE:-}" ]; then (umask 022 && printf '%s\n' "$attempt" >"$PHASELINE_ATTEMPT_FILE"); fi
fi

if [ "$outcome" = unauthorized ]; then
  # Neither this job nor the server's trust is at fault where GitHub did not answer.
  if [ -n "$github_away" ] && [[ $detail == HTTP\ ???\ UNAUTHENTICATED* ]]; then outcome=unreachable; fi
  detail="${no_token:+$no_token; }$detail"
fi
finish "$outcome" "$detail"
