// Put into a page before its own scripts. Keeps everything that the modal ever shows, and when the server was heard: to
// be judged later, outside. It looks after every change of the DOM, which is before anything of it is painted, and at
// every frame.
(() => {
  const kept = { began: Date.now(), samples: [], looks: {}, sockets: [] };
  window.kept = kept;

  const squeezed = (text) => text.replace(/\s+/g, " ").trim();
  const words = (root, selector) => [...root.querySelectorAll(selector)].map((found) => squeezed(found.textContent)).join(" | ");
  const time = (root, selector) => root.querySelector(`${selector} time`)?.dateTime ?? null;

  function step(item) {
    const { phase, state, attempt } = item.dataset;
    return {
      phase,
      state,
      attempt: attempt ? Number(attempt) : null,
      label: words(item, "[part=step-label]"),
      word: words(item, "[part=step-state]"),
      icon: [...item.querySelectorAll(".mark svg")].map((svg) => svg.innerHTML.replace(/<!--.*?-->/g, "")).join(),
      current: item.getAttribute("aria-current") === "step",
      tag: words(item, "[part=step-attempt]"),
      began: time(item, "[part=step-began]"),
      ended: time(item, "[part=step-ended]"),
      runs: item.querySelector("[part=step-running]") !== null,
      stands: item.querySelector("[part=step-as-of]") !== null,
    };
  }

  function row({ dataset }) {
    return [Number(dataset.sequence), dataset.kind, dataset.toStatus, dataset.refusal ?? null];
  }

  // Nothing that moves with the clock, or each second would be a change: of a retry, only whether there is one.
  function shown(host) {
    const root = host.shadowRoot;
    const all = (selector) => [...root.querySelectorAll(selector)];
    return {
      marks: { ...host.dataset },
      position: words(root, "[part=position]"),
      steps: all("[part=step]").map(step),
      status: words(root, "[part=status]"),
      outcome: words(root, "[part=outcome]"),
      attempt: words(root, "[part=attempt]"),
      reported: time(root, "[part=last-report]"),
      finished: time(root, "[part=finished-at]"),
      connection: words(root, "[part=connection]"),
      lost: words(root, "[part=lost] p:first-child"),
      retry: words(root, "[part=retry]").replace(/ \d+ s$/, " s"),
      confirmed: words(root, "[part=last-confirmed]"),
      failure: words(root, "[part=failure] p:first-child"),
      restarted: words(root, "[part=restarted]"),
      entries: all("[part=entry]").map(row),
      announced: words(root, "[part=announcer]"),
    };
  }

  // In a dialog that has not been opened yet, as before it is known who is there, nobody sees anything.
  let opened = false;
  let before = "";
  function look() {
    const now = Date.now();
    const quarter = Math.floor(now / 250) * 250;
    kept.looks[quarter] = (kept.looks[quarter] ?? 0) + 1;
    if (!watched?.shadowRoot || !watched.isConnected) return;
    opened ||= watched.shadowRoot.querySelector("dialog")?.open ?? false;
    if (!opened) return;
    const seen = shown(watched);
    const text = JSON.stringify(seen);
    if (text === before) return;
    before = text;
    kept.samples.push({ at: now, ...seen });
  }

  let watched = null;
  const observer = new MutationObserver(look);
  function find(root) {
    for (const element of root.querySelectorAll("*")) {
      if (element.localName === "phaseline-deploy-modal") return element;
      const found = element.shadowRoot && find(element.shadowRoot);
      if (found) return found;
    }
    return null;
  }
  function watch() {
    if (watched?.isConnected) return;
    observer.disconnect();
    watched = find(document);
    if (!watched?.shadowRoot) return void (watched = null);
    observer.observe(watched, { attributes: true });
    observer.observe(watched.shadowRoot, { subtree: true, childList: true, characterData: true, attributes: true });
  }
  requestAnimationFrame(function frame() {
    watch();
    look();
    requestAnimationFrame(frame);
  });

  window.WebSocket = class extends WebSocket {
    constructor(...given) {
      super(...given);
      const socket = { opened: Date.now(), heard: [], proved: null, closed: null, code: null };
      kept.sockets.push(socket);
      this.addEventListener("message", ({ data }) => {
        socket.heard.push(Date.now());
        if (String(data).includes('"phaseChanged"')) socket.proved ??= Date.now();
      });
      this.addEventListener("close", ({ code }) => Object.assign(socket, { closed: Date.now(), code }));
    }
  };
})();
