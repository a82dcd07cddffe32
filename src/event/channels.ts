/** Every way to reach a user. The name of a channel is also the destination of its deliveries. */
export const CHANNELS = ["email", "sms", "push", "inbox"] as const;

/** Those by which users are reached today: the others' names are kept for them. */
export const REACHED = ["email", "sms"] as const satisfies readonly Channel[];

export type Channel = (typeof CHANNELS)[number];

/** Whether a destination is a channel of a user; else it is a merchant's endpoint. */
export function isChannel(destination: string): destination is Channel {
  return (CHANNELS as readonly string[]).includes(destination);
}
