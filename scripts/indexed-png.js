// A small PNG of a picture with few colors, such as a page's: one byte a pixel (PNG, third edition, 11.2).
import { crc32, deflateSync } from 'node:zlib'

const MAX_COLORS = 256

/** How many colors of a palette are just those that are there most often. */
const FREQUENT = 64
const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex')

/**
 * @param {{ width: number, height: number, pixels: Uint32Array }} picture a pixel is 0xAABBGGRR; opaque
 * @returns {Buffer} Colors that do not fit into the palette become the one that is nearest.
 */
export function indexedPng ({ width, height, pixels }) {
  const palette = paletteOf(pixels)
  const indices = new Map(palette.map((color, index) => [color, index]))
  const rows = Buffer.alloc((width + 1) * height) // each begins with its filter, which is none
  pixels.forEach((color, at) => {
    if (!indices.has(color)) indices.set(color, nearest(color, palette))
    rows[at + Math.floor(at / width) + 1] = indices.get(color)
  })
  const head = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 3, 0, 0, 0]) // 8 bits a pixel, by a palette
  head.writeUInt32BE(width, 0)
  head.writeUInt32BE(height, 4)
  const colors = Buffer.from(palette.flatMap(parts))
  return Buffer.concat([SIGNATURE, chunk('IHDR', head), chunk('PLTE', colors), chunk('IDAT', deflateSync(rows, { level: 9 })), chunk('IEND', Buffer.alloc(0))])
}

/** The frequent colors, then such as are like none of those before, so that what is small keeps its color. */
function paletteOf (pixels) {
  const counts = new Map()
  for (const color of pixels) counts.set(color, (counts.get(color) ?? 0) + 1)
  const colors = [...counts].sort(([, a], [, b]) => b - a).map(([color]) => color)
  const palette = colors.slice(0, FREQUENT)
  const known = new Set(palette.map(roughly))
  for (const color of colors) {
    if (palette.length === MAX_COLORS) break
    if (known.has(roughly(color))) continue
    known.add(roughly(color))
    palette.push(color)
  }
  return palette
}

/** The upper half of each part. */
function roughly (color) {
  return color & 0xf0f0f0
}

/** Red, green and blue. */
function parts (color) {
  return [color & 0xff, color >> 8 & 0xff, color >> 16 & 0xff]
}

function nearest (color, palette) {
  const wanted = parts(color)
  const distances = palette.map(other => parts(other).reduce((sum, part, index) => sum + (part - wanted[index]) ** 2, 0))
  return distances.indexOf(Math.min(...distances))
}

function chunk (type, data) {
  const content = Buffer.concat([Buffer.from(type), data])
  const framed = Buffer.alloc(content.length + 8)
  framed.writeUInt32BE(data.length, 0)
  content.copy(framed, 4)
  framed.writeUInt32BE(crc32(content), content.length + 4)
  return framed
}
