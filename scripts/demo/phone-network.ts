import { createServer, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { randomBytes } from "node:crypto";

/** A text message as it was asked for. */
export interface TextMessage {
  to: string;
  from: string;
  text: string;
}

/** Stands in for Twilio on a free port of loopback: takes what its Messages resource takes, and refuses the rest. */
export interface PhoneNetwork {
  url: string;
  account: { accountSid: string; authToken: string; from: string };
  messages: TextMessage[];
  /** While it is out, it answers 503 to everything. */
  isOut: boolean;
  close(): Promise<void>;
}

/** Starts the stand-in; `onMessage` is told of every message it took. */
export async function startPhoneNetwork(onMessage: (message: TextMessage) => void): Promise<PhoneNetwork> {
  const account = {
    accountSid: `AC${randomBytes(16).toString("hex")}`,
    authToken: randomBytes(16).toString("hex"),
    from: "+15005550006",
  };
  const network: PhoneNetwork = {
    url: "",
    account,
    messages: [],
    isOut: false,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  const authorization = `Basic ${Buffer.from(`${account.accountSid}:${account.authToken}`).toString("base64")}`;

  const take = async (request: IncomingMessage): Promise<{ status: number; answer: object }> => {
    const form = new URLSearchParams(await text(request));
    if (network.isOut) return refusal(503, 20503, "Service unavailable");
    if (request.headers.authorization !== authorization) return refusal(401, 20003, "Authenticate");
    if (request.url !== `/2010-04-01/Accounts/${account.accountSid}/Messages.json`) {
      return refusal(404, 20404, "The requested resource was not found");
    }
    const [to, from, body] = ["To", "From", "Body"].map((name) => form.get(name) ?? "");
    if (!/^\+[1-9]\d{6,14}$/.test(to!)) return refusal(400, 21211, "Invalid 'To' phone number");
    if (from !== account.from) return refusal(400, 21606, "The 'From' phone number is not yours");
    if (!body) return refusal(400, 21602, "Message body is required");
    const message = { to: to!, from, text: body };
    network.messages.push(message);
    onMessage(message);
    const sid = `SM${randomBytes(16).toString("hex")}`;
    return { status: 201, answer: { sid, status: "queued", to, from, body, error_code: null, error_message: null } };
  };

  const server = createServer((request, response) => {
    void take(request).then(({ status, answer }) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(answer)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The phone network has no port");
  network.url = `http://127.0.0.1:${address.port}`;
  return network;
}

function refusal(status: number, code: number, message: string): { status: number; answer: object } {
  return { status, answer: { code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status } };
}
