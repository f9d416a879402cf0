// Two addresses: the list, and a deploy's own, which opens the modal over the list.
const DEPLOY = /^\/deploys\/([^/]+)\/?$/;

/** The deploy that a path names, or null for every other path. */
export function deployIdIn(path: string): string | null {
  const id = DEPLOY.exec(path)?.[1];
  if (id === undefined) return null;
  try {
    return decodeURIComponent(id);
  } catch {
    return id;
  }
}

export function pathOf(deployId: string | null): string {
  return deployId === null ? "/" : `/deploys/${encodeURIComponent(deployId)}`;
}
