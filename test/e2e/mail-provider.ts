import { createServer, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";

/** An email as it was asked for, under its idempotency key. */
export interface Email {
  key: string;
  to: string;
  subject: string;
  text: string;
}

/**
 * Stands in for Resend: takes an email once under each key, and answers the same again when the key comes again. With
 * `isOut` it answers 503.
 */
export interface MailProvider {
  url: string;
  apiKey: string;
  emails: Email[];
  /** Keys of all requests that it answered, repetitions too. */
  keys: string[];
  isOut: boolean;
  close(): Promise<void>;
}

/** Starts the stand-in on a free port of loopback. */
export async function startMailProvider(): Promise<MailProvider> {
  const provider: MailProvider = {
    url: "",
    apiKey: "re_test",
    emails: [],
    keys: [],
    isOut: false,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  const take = async (request: IncomingMessage): Promise<[number, object]> => {
    const body = await text(request);
    if (provider.isOut) return [503, { statusCode: 503, name: "application_error", message: "Out of order" }];
    if (request.url !== "/emails" || request.headers.authorization !== `Bearer ${provider.apiKey}`) {
      return [401, { statusCode: 401, name: "missing_api_key", message: "Missing API key" }];
    }
    const { to, subject, text: content } = JSON.parse(body) as { to: string[]; subject: string; text: string };
    const key = String(request.headers["idempotency-key"]);
    provider.keys.push(key);
    if (provider.emails.every((email) => email.key !== key)) {
      provider.emails.push({ key, to: to.join(), subject, text: content });
    }
    return [200, { id: `msg_${provider.emails.findIndex((email) => email.key === key)}` }];
  };
  const server = createServer((request, response) => {
    void take(request).then(([status, answer]) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(answer)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  provider.url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  return provider;
}
