// `node leash.ts PROGRAM …`: runs a Node program that ends with whoever has started it, however that one ends. Its
// starter holds the other end of its standard input and never writes: when that pipe closes, everything here is killed.
// It has to lead a process group, since workerd outlives the program that has started it.

import { spawn } from "node:child_process";

const child = spawn(process.execPath, process.argv.slice(2), { stdio: ["ignore", "inherit", "inherit"] });
child.once("exit", (code) => process.exit(code ?? 1));
process.on("SIGTERM", () => child.kill("SIGTERM"));
process.stdin.resume().once("close", () => process.kill(-process.pid, "SIGKILL"));
