export default {
  fetch: () => new Response("Not yet", { status: 503 }),
} satisfies ExportedHandler<Env>;
