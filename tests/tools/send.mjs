// Sends requests of so many bytes, and prints the status of each answer: node send.mjs URL BYTES TIMES
const [url, bytes, times] = process.argv.slice(2);
for (let sent = 0; sent < Number(times); sent++) {
  const body = JSON.stringify({ query: "x".repeat(Number(bytes)) });
  const answer = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
  await answer.text();
  console.log(answer.status);
}
