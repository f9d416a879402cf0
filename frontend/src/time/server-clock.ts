/**
 * "Now", for what has been running since a time of the server's.
 *
 * No message of the contract tells the server's time, and a browser's clock may be wrong either way. One error can be known for
 * certain: an entry received before it was recorded proves that the local clock is behind, at least by the difference. So the local
 * clock is used, moved ahead by the largest difference proven. A local clock that runs ahead cannot be told from a slow network,
 * and is believed.
 */
export class ServerClock {
  #ahead = 0;

  hear(recordedAt: string): void {
    this.#ahead = Math.max(this.#ahead, Date.parse(recordedAt) - Date.now() || 0);
  }

  now(): number {
    return Date.now() + this.#ahead;
  }
}
