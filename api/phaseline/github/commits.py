"""Branches, tags and commits of a repository."""

from phaseline.github import reading, refs
from phaseline.github.asking import CONTENTS_READ, REPOSITORY, Asking, of
from phaseline.github.errors import Refused
from phaseline.github.values import Compared, Ref

# The longest page that GitHub gives.
_PAGE = 100


async def commit_of(github: Asking, repository: str, ref: str) -> str:
    """The SHA that a branch, a tag or the beginning of a SHA stands for."""
    name = refs.short(ref)
    if refs.says_which(name) or refs.SHA.fullmatch(name):
        return await _commit(github, repository, name)
    found = {full: await _commit_or_none(github, repository, full) for full in (f"heads/{name}", f"tags/{name}")}
    commits = {commit for commit in found.values() if commit is not None}
    if len(commits) > 1:
        raise Refused(f"there are a branch and a tag of this name: it must be {' or '.join(found)}", 422)
    if commits:
        return commits.pop()
    commit = await _commit_or_none(github, repository, name) if refs.SHORTENED.fullmatch(name) else None
    if commit is None or not commit.startswith(name):
        raise Refused(f"there is no branch, tag or commit {name}", 422)
    return commit


async def _commit(github: Asking, repository: str, name: str) -> str:
    # A page of one file: nobody here wants to know what was changed.
    variables = of(repository, ref=name, per_page=1)
    return await github.get(REPOSITORY + "/commits/{ref}{?per_page}", variables, CONTENTS_READ, reading.commit)


async def _commit_or_none(github: Asking, repository: str, name: str) -> str | None:
    try:
        return await _commit(github, repository, name)
    except Refused as refused:
        if refused.status in (404, 422):
            return None
        raise


async def refs_like(github: Asking, repository: str, prefix: str, limit: int) -> list[Ref]:
    """Branches, and then tags, whose names begin so: of each at least half of the limit, where there are so many."""
    if limit < 1 or not refs.can_begin(prefix):
        return []
    branches = await _refs(github, repository, "heads", prefix, limit)
    tags = await _refs(github, repository, "tags", prefix, limit)
    room = max(limit - len(tags), (limit + 1) // 2)
    return [*branches[:room], *tags][:limit]


async def refs_below(github: Asking, repository: str, begins: str, limit: int) -> list[Ref]:
    """Branches, or tags, whose full names begin so."""
    _, kind, prefix = begins.split("/", 2)
    return await _refs(github, repository, kind, prefix, limit)


async def _refs(github: Asking, repository: str, kind: str, prefix: str, limit: int) -> list[Ref]:
    if prefix:
        path, variables = REPOSITORY + "/git/matching-refs/{ref}", of(repository, ref=f"{kind}/{prefix}")
        return (await github.get(path, variables, CONTENTS_READ, reading.refs))[:limit]
    # A repository may have very many, and GitHub gives them in pages only where it is asked for all of a kind.
    path = REPOSITORY + ("/branches" if kind == "heads" else "/tags") + "{?per_page}"
    variables = of(repository, per_page=min(limit, _PAGE))
    return await github.get(path, variables, CONTENTS_READ, lambda said: reading.named(said, f"refs/{kind}/"))


async def compare(github: Asking, repository: str, base: str, head: str) -> Compared:
    """How `head` lies to `base`."""
    # The changed files, which may be large, are told on the first page alone.
    variables = of(repository, base=refs.short(base), head=refs.short(head), per_page=1, page=2)
    path = REPOSITORY + "/compare/{base}...{head}{?per_page,page}"
    return await github.get(path, variables, CONTENTS_READ, reading.compared)
