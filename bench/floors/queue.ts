// The floor: the least that a Worker can do to take an event and pass it on. No signature, no order, no log.

interface Floor {
  QUEUE: Queue<string>;
  TARGET: string;
}

export default {
  async fetch(request, { QUEUE }) {
    await QUEUE.send(await request.text(), { contentType: "text" });
    return new Response(null, { status: 202 });
  },
  async queue({ messages }, { TARGET }) {
    await Promise.all(messages.map(async ({ body }) => post(TARGET, body)));
  },
} satisfies ExportedHandler<Floor, string>;

async function post(target: string, body: string): Promise<void> {
  const response = await fetch(target, { method: "POST", body, headers: { "content-type": "application/json" } });
  await response.body?.cancel();
}
