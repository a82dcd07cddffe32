import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * The plain text of the email that a local Worker has sent under a message id, null if there is none: its `send_email`
 * binding writes it below `folder`, where the Worker has its temporary files.
 */
export function emailText(folder: string, messageId: string): string | null {
  const name = `${messageId.replaceAll(/[<>]/g, "")}.txt`;
  const paths = readdirSync(folder).map((entry) => join(folder, entry, "email", "email-text", name));
  const path = paths.find((one) => existsSync(one));
  return path === undefined ? null : readFileSync(path, "utf8");
}
