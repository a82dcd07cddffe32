import { existsSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** An email that the local `send_email` binding has written. */
export interface EmailFile {
  path: string;
  text: string;
}

/** Finds the email that a local Worker sent under a message id: its plain text. Null: there is none such. */
export function emailFile(messageId: string): EmailFile | null {
  const name = `${messageId.replaceAll(/[<>]/g, "")}.txt`;
  for (const folder of readdirSync(tmpdir()).filter((entry) => entry.startsWith("miniflare-"))) {
    const path = join(tmpdir(), folder, "email", "email-text", name);
    if (existsSync(path)) return { path, text: readFileSync(path, "utf8") };
  }
  return null;
}
