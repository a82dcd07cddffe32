import { parsePhoneNumberFromString } from "libphonenumber-js/min";

/** No phone number is written longer, spaces and brackets included. */
const MAX_LENGTH = 40;

/**
 * Reads a phone number in its international form, `+` and all, and writes it in E.164; null where it is none. A number
 * without its country, or with an extension, is none: nobody can send it a message.
 * https://gitlab.com/catamphetamine/libphonenumber-js
 */
export function parsePhone(text: string): string | null {
  if (text.length > MAX_LENGTH) return null;
  const phone = parsePhoneNumberFromString(text.trim(), { extract: false });
  return phone?.isValid() === true && phone.ext === undefined ? phone.number : null;
}
