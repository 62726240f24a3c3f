"""PNG pictures made small: with at most 256 colours, which pictures of pages hardly notice."""
import collections
import struct
import zlib


def _unfilter(raw, width, height, bpp):
    rows, before, stride = [], bytearray(width * bpp), width * bpp
    for y in range(height):
        kind, row = raw[y * (stride + 1)], bytearray(raw[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        if kind == 1:
            for i in range(bpp, stride):
                row[i] = (row[i] + row[i - bpp]) & 255
        elif kind == 2:
            row = bytearray((a + b) & 255 for a, b in zip(row, before))
        elif kind == 3:
            for i in range(stride):
                row[i] = (row[i] + ((row[i - bpp] if i >= bpp else 0) + before[i]) // 2) & 255
        elif kind == 4:
            for i in range(stride):
                a, b, c = row[i - bpp] if i >= bpp else 0, before[i], before[i - bpp] if i >= bpp else 0
                p = a + b - c
                pa, pb, pc = abs(p - a), abs(p - b), abs(p - c)
                row[i] = (row[i] + (a if pa <= pb and pa <= pc else b if pb <= pc else c)) & 255
        rows.append(row)
        before = row
    return rows


def _pixels(data):
    """(width, height, rows of 24-bit numbers) of what Chromium gives: 8 bits a channel, with or without alpha."""
    at, packed, bpp, width, height = 8, b"", 4, 0, 0
    while at < len(data):
        n, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + n]
        if kind == b"IHDR":
            width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", body)
            assert depth == 8 and colour in (2, 6) and not interlaced
            bpp = 3 if colour == 2 else 4
        elif kind == b"IDAT":
            packed += body
        at += n + 12
    rows = _unfilter(zlib.decompress(packed), width, height, bpp)
    return width, height, [[r[i] << 16 | r[i + 1] << 8 | r[i + 2] for i in range(0, width * bpp, bpp)] for r in rows]


def _palette(counts, most=256):
    """{colour: index}, [colours]: median cut, the box with the most of pixels times extent first."""
    def extent(box):
        return max((max(c >> s & 255 for c in box) - min(c >> s & 255 for c in box), s) for s in (16, 8, 0))
    boxes = [(extent(list(counts)), list(counts))]
    while len(boxes) < most:
        (wide, shift), box = max(boxes, key=lambda b: b[0][0] * (1 + sum(counts[c] for c in b[1])) ** 0.35)
        if not wide:
            break
        boxes.remove(((wide, shift), box))
        box.sort(key=lambda c: c >> shift & 255)
        middle = (box[0] >> shift & 255) + wide / 2
        cut = next((i for i, c in enumerate(box) if (c >> shift & 255) > middle), len(box) // 2) or 1
        boxes += [(extent(part), part) for part in (box[:cut], box[cut:])]
    index, colours = {}, []
    for _, box in boxes:
        n = sum(counts[c] for c in box)
        often = max(box, key=counts.get)
        mean = sum(round(sum((c >> s & 255) * counts[c] for c in box) / n) << s for s in (16, 8, 0))
        index.update(dict.fromkeys(box, len(colours)))
        colours.append(often if counts[often] * 2 > n else mean)
    return index, colours


def small(data):
    width, height, rows = _pixels(data)
    index, colours = _palette(collections.Counter(c for row in rows for c in row))

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    raw = b"".join(b"\0" + bytes(index[c] for c in row) for row in rows)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)) +
            chunk(b"PLTE", b"".join(c.to_bytes(3, "big") for c in colours)) + chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b""))
