/**
 * The full stops of what programs make a link of: of a host's name, which can end in any sign
 * (https://github.com/gregjacobs/Autolinker.js/issues/238), or of an address in four numbers.
 */
export const HOST_STOP =
  /(?<=\S)[.．。｡](?=\p{Alphabetic}[\p{Alphabetic}\p{M}])|(?<=\d)\.(?=\d{1,3}\.\d)|(?<=\d\.\d{1,3})\.(?=\d)/gu;
