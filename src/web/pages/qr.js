
// QR codes (ISO/IEC 18004): bytes, error correction L, versions 1 to 20. They are drawn here, as the secret in one is nobody
// else's business.
const checkBytes = [7, 10, 15, 20, 26, 18, 20, 24, 30, 18, 20, 24, 26, 30, 22, 24, 28, 30, 28, 28];
const blockCounts = [1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4, 4, 6, 6, 6, 6, 7, 8];

/** The product of two elements of the field of 256. */
function product(a, b) {
  let result = 0;
  for (; b; b >>= 1, a = (a << 1) ^ (a & 128 ? 0x11d : 0)) if (b & 1) result ^= a;
  return result;
}

/** The check bytes of a block (Reed and Solomon). */
function check(block, count) {
  let divisor = [1];
  for (let root = 1, at = 0; at < count; at++, root = product(root, 2)) {
    const next = [...divisor, 0];
    divisor.forEach((factor, place) => (next[place + 1] ^= product(factor, root)));
    divisor = next;
  }
  const rest = [...block, ...Array(count).fill(0)];
  for (let at = 0; at < block.length; at++) {
    const factor = rest[at];
    divisor.forEach((of, place) => (rest[at + place] ^= product(of, factor)));
  }
  return rest.slice(block.length);
}

/** The centres of the alignment patterns, along one side. */
function centres(version) {
  if (version === 1) return [];
  const count = Math.floor(version / 7) + 2;
  const step = Math.ceil((version * 4 + 4) / (count - 1) / 2) * 2;
  const last = version * 4 + 10;
  return [6, ...Array.from({ length: count - 1 }, (_, at) => last - step * (count - 2 - at))];
}

/** The modules of a code: rows of booleans. Nothing if the text is too long. */
function qrCode(text) {
  const bytes = [...new TextEncoder().encode(text)];
  for (let version = 1; version <= checkBytes.length; version++) {
    const size = version * 4 + 17;
    const cells = Array.from({ length: size }, () => Array(size).fill(null));
    const set = (x, y, isDark) => {
      if (x >= 0 && y >= 0 && x < size && y < size) cells[y][x] = isDark;
    };
    const ring = (x, y) => (dx, dy) => Math.max(Math.abs(x - dx), Math.abs(y - dy));
    const square = (x, y, reach, isDark) => {
      const at = ring(x, y);
      for (let dy = y - reach; dy <= y + reach; dy++)
        for (let dx = x - reach; dx <= x + reach; dx++) set(dx, dy, isDark(at(dx, dy)));
    };
    for (let at = 0; at < size; at++) {
      set(6, at, at % 2 === 0);
      set(at, 6, at % 2 === 0);
    }
    for (const x of centres(version))
      for (const y of centres(version)) {
        const isCorner = (x === 6 && (y === 6 || y === size - 7)) || (x === size - 7 && y === 6);
        if (!isCorner) square(x, y, 2, (far) => far !== 1);
      }
    for (const [x, y] of [[3, 3], [size - 4, 3], [3, size - 4]]) square(x, y, 4, (far) => far !== 2 && far !== 4);
    // Error correction L and mask 0, with their check bits (section 7.9); a reader takes off any mask.
    const format = 0b111011111000100;
    for (let at = 0; at < 15; at++) {
      const bit = ((format >> at) & 1) === 1;
      set(8, at < 6 ? at : at < 8 ? at + 1 : size - 15 + at, bit);
      set(at < 8 ? size - 1 - at : at < 9 ? 7 : 14 - at, 8, bit);
    }
    set(8, size - 8, true);
    if (version >= 7) {
      let rest = version;
      for (let at = 0; at < 12; at++) rest = (rest << 1) ^ ((rest >> 11) * 0x1f25);
      const bits = (version << 12) | rest;
      for (let at = 0; at < 18; at++) {
        const [far, near, bit] = [size - 11 + (at % 3), Math.floor(at / 3), ((bits >> at) & 1) === 1];
        set(far, near, bit);
        set(near, far, bit);
      }
    }
    const room = Math.floor(cells.flat().filter((cell) => cell === null).length / 8);
    const [count, checks] = [blockCounts[version - 1], checkBytes[version - 1]];
    const dataRoom = room - count * checks;
    const lengthBits = version < 10 ? 8 : 16;
    if (bytes.length > dataRoom - Math.ceil((4 + lengthBits) / 8)) continue;

    let bits = "0100" + bytes.length.toString(2).padStart(lengthBits, "0");
    for (const byte of bytes) bits += byte.toString(2).padStart(8, "0");
    bits = (bits + "0000").slice(0, dataRoom * 8);
    bits += "0".repeat((8 - (bits.length % 8)) % 8);
    const data = bits.match(/.{8}/g).map((byte) => parseInt(byte, 2));
    for (let pad = 0xec; data.length < dataRoom; pad ^= 0xec ^ 0x11) data.push(pad);

    const short = Math.floor(dataRoom / count);
    const firstLong = count - (dataRoom % count);
    const blocks = [];
    for (let at = 0, from = 0; at < count; at++) {
      const block = data.slice(from, (from += short + (at >= firstLong ? 1 : 0)));
      blocks.push({ block, checks: check(block, checks) });
    }
    const all = [];
    for (let at = 0; at <= short; at++) for (const { block } of blocks) if (at < block.length) all.push(block[at]);
    for (let at = 0; at < checks; at++) for (const { checks: own } of blocks) all.push(own[at]);

    let at = 0;
    for (let right = size - 1; right > 0; right -= 2) {
      if (right === 6) right = 5;
      for (let line = 0; line < size; line++) {
        const y = (right + 1) & 2 ? line : size - 1 - line;
        for (const x of [right, right - 1]) {
          if (cells[y][x] !== null) continue;
          const bit = at < all.length * 8 && ((all[at >> 3] >> (7 - (at & 7))) & 1) === 1;
          cells[y][x] = bit !== ((x + y) % 2 === 0);
          at++;
        }
      }
    }
    return cells;
  }
  return null;
}
