// cursor.mjs - where this page is in the stream of events: "epoch;0:id,1:id,...", one place a shard.
// Each event moves one shard's place; hello sends all of them back.

export class Cursor {
    constructor() {
        this.epoch = null;
        this.places = new Map();
    }

    // Takes the whole cursor of a ready or reset frame. True when the data is another than before.
    set(text) {
        const cut = typeof text === "string" ? text.indexOf(";") : -1;
        if (cut < 0) return false;
        const epoch = text.slice(0, cut);
        const changed = this.epoch !== null && this.epoch !== epoch;
        this.epoch = epoch;
        this.places.clear();
        for (const part of text.slice(cut + 1).split(",")) this.advance(part);
        return changed;
    }

    // Takes the "SHARD:ID" of one event.
    advance(text) {
        const cut = typeof text === "string" ? text.indexOf(":") : -1;
        if (cut <= 0) return;
        const shard = text.slice(0, cut);
        const id = text.slice(cut + 1);
        const old = this.places.get(shard);
        if (!old || compareIds(old, id) < 0) this.places.set(shard, id);
    }

    // What hello sends; undefined when nothing is known yet.
    text() {
        if (this.epoch === null) return undefined;
        return this.epoch + ";" + [...this.places].map(([shard, id]) => shard + ":" + id).join(",");
    }
}

// Ids of a Redis stream: "milliseconds-number". Text that is no such id is taken as the newest.
export function compareIds(a, b) {
    const [am, an] = a.split("-").map(Number);
    const [bm, bn] = b.split("-").map(Number);
    if ([am, an, bm, bn].some((n) => !Number.isFinite(n))) return -1;
    return am - bm || an - bn;
}
