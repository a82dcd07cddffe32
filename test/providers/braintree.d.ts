/** The parts of Braintree's package, which brings no types, that the tests hold ours against. */
declare module "braintree" {
  interface Notification {
    kind: string;
    timestamp: string;
    subject: Record<string, unknown>;
  }

  export class BraintreeGateway {
    constructor(config: { environment: unknown; merchantId: string; publicKey: string; privateKey: string });
    webhookNotification: {
      parse(signature: string, payload: string): Promise<Notification>;
      /** Throws for what is no challenge. */
      verify(challenge: string): string;
    };
    webhookTesting: {
      sampleNotification(kind: string, id: string): Promise<{ bt_signature: string; bt_payload: string }>;
    };
  }

  export const Environment: { Sandbox: unknown };
  export const WebhookNotification: { Kind: Record<string, string> };
}
