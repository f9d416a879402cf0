// Unpacks @sparticuz/chromium with everything it ships, libraries and fonts included, into $TMPDIR.
// Its own executablePath() leaves the libraries out unless it believes it runs on Amazon's machines.
import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { inflate } from "@sparticuz/chromium";

const archives = join(dirname(fileURLToPath(import.meta.resolve("@sparticuz/chromium"))), "..", "bin");
await Promise.all((await readdir(archives)).map((archive) => inflate(join(archives, archive))));
