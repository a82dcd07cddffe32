// Where the CPU goes inside a Worker, by the profiler of its V8. https://chromedevtools.github.io/devtools-protocol/tot/Profiler/

import type { Host } from "./host.ts";

interface Profile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number }; children?: number[] }[];
  samples: number[];
  timeDeltas: number[];
  startTime: number;
  endTime: number;
}

/** Share of all samples that a function took itself, without what it called. */
export interface Line {
  share: number;
  name: string;
}

/** Runs work under the profiler of a Worker's isolate; the functions that took most, in percent of the time. */
export async function profile({ miniflare }: Host, work: () => Promise<unknown>): Promise<Line[]> {
  const { host } = await miniflare.getInspectorURL();
  const targets = (await (await fetch(`http://${host}/json`)).json()) as { id: string; webSocketDebuggerUrl: string }[];
  const target = targets.find(({ id }) => id.includes("core:user"));
  if (target === undefined) throw new Error(`No isolate to profile: ${targets.map(({ id }) => id).join(", ")}`);
  const socket = new WebSocket(target.webSocketDebuggerUrl);
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve, { once: true });
    socket.addEventListener("error", reject, { once: true });
  });
  const replies = new Map<number, (result: unknown) => void>();
  socket.addEventListener("message", ({ data }) => {
    const { id, result } = JSON.parse(String(data)) as { id?: number; result: unknown };
    if (id !== undefined) replies.get(id)?.(result);
  });
  let last = 0;
  const call = <T>(method: string, params: object = {}) =>
    new Promise<T>((resolve) => {
      last += 1;
      replies.set(last, (result) => resolve(result as T));
      socket.send(JSON.stringify({ id: last, method, params }));
    });
  await call("Profiler.enable");
  await call("Profiler.setSamplingInterval", { interval: 200 });
  await call("Profiler.start");
  await work();
  const { profile } = await call<{ profile: Profile }>("Profiler.stop");
  socket.close();
  return linesOf(profile);
}

function linesOf({ nodes, samples, timeDeltas }: Profile): Line[] {
  const names = new Map(
    nodes.map(({ id, callFrame: { functionName, lineNumber } }) => [
      id,
      `${functionName || "(anonymous)"}${lineNumber >= 0 ? `:${lineNumber + 1}` : ""}`,
    ]),
  );
  const spent = new Map<string, number>();
  let total = 0;
  for (const [n, id] of samples.entries()) {
    const name = names.get(id)!;
    const delta = timeDeltas[n]!;
    spent.set(name, (spent.get(name) ?? 0) + delta);
    total += delta;
  }
  return [...spent]
    .map(([name, time]) => ({ name, share: (100 * time) / total }))
    .toSorted((a, b) => b.share - a.share);
}
