/** Whether a byte stands more than `max` times in a body: how much there is to parse, before anything is parsed. */
export function hasMoreThan(max: number, byte: number, body: Uint8Array): boolean {
  let count = 0;
  for (let at = body.indexOf(byte); at >= 0; at = body.indexOf(byte, at + 1)) {
    count += 1;
    if (count > max) return true;
  }
  return false;
}
