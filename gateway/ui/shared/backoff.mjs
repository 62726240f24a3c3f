// backoff.mjs - how long to wait before the next try: full jitter under a doubling ceiling, so that
// a thousand pages that lost one server do not come back together.

export class Backoff {
    constructor({ min = 500, max = 30000, random = Math.random } = {}) {
        this.min = min;
        this.max = max;
        this.random = random;
        this.tries = 0;
    }

    // Milliseconds to wait now; the ceiling doubles for the next time.
    next() {
        const ceiling = Math.min(this.max, this.min * 2 ** Math.min(this.tries + 1, 16));
        this.tries++;
        return Math.round(Math.max(this.min, this.random() * ceiling));
    }

    reset() {
        this.tries = 0;
    }
}
