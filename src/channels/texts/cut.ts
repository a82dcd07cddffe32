/** Cut at a word only where that leaves at least so much of what may be. */
const WORTH = 0.5;

const words = new Intl.Segmenter("en", { granularity: "word" });
const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/**
 * A name that is at most `max` long: cut behind a word where there is one, else between what readers take for
 * characters, with `ellipsis` behind it. `lengthOf`: of one code point.
 */
export function cutName(name: string, max: number, ellipsis: string, lengthOf: (char: string) => number): string {
  const measure = (text: string) => Array.from(text).reduce((length, char) => length + lengthOf(char), 0);
  if (measure(name) <= max) return name;
  const room = max - measure(ellipsis);
  const byWord = fitting(words, name, room, measure);
  const start = measure(byWord) >= room * WORTH ? byWord : fitting(graphemes, name, room, measure);
  return start === "" ? "" : start + ellipsis;
}

/** As many segments as there is room for, without the space and the comma behind the last. */
function fitting(segmenter: Intl.Segmenter, text: string, room: number, measure: (text: string) => number): string {
  let end = 0;
  let length = 0;
  for (const { segment } of segmenter.segment(text)) {
    length += measure(segment);
    if (length > room) break;
    end += segment.length;
  }
  return text.slice(0, end).replace(/[\s,;:–-]+$/u, "");
}
