/** Whole seconds between two times; never negative, because two clocks may disagree. */
export function secondsBetween(from: string | number, to: string | number): number {
  const milliseconds = new Date(to).getTime() - new Date(from).getTime();
  return Math.max(0, Math.floor(milliseconds / 1_000));
}

/** "42 s", "3 min 12 s", "2 h 5 min", "3 d 4 h": the two largest units, which is what one reads at a glance. */
export function inWords(seconds: number): string {
  const [days, hours, minutes] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3_600) % 24, Math.floor(seconds / 60) % 60];
  if (days) return `${days} d ${hours} h`;
  if (hours) return `${hours} h ${minutes} min`;
  if (minutes) return `${minutes} min ${seconds % 60} s`;
  return `${seconds} s`;
}

/** "just now", "42 s ago", "12 min ago": how long a silence has lasted. */
export function agoInWords(seconds: number): string {
  if (seconds < 5) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ago`;
  return `${inWords(seconds)} ago`;
}
