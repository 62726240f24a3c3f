// contrast.mjs - colours that somebody chose, and what can be read on them (WCAG's relative luminance). Pure.

const part = (color, i) => {
    const c = parseInt(color.slice(i, i + 2), 16) / 255;
    return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
};

export const isColor = (text) => /^#[0-9a-f]{6}$/i.test(text || "");

export const luminance = (color) => 0.2126 * part(color, 1) + 0.7152 * part(color, 3) + 0.0722 * part(color, 5);

export function contrast(a, b) {
    const x = luminance(a), y = luminance(b);
    return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}

// White or black, whichever is to be read on the colour.
export const inkOn = (color) => (contrast("#ffffff", color) >= 4.5 ? "#ffffff" : "#000000");

// The colour, as much darker as words in it need on our ground.
export function asInk(color, ground = "#f2f4f7") {
    let ink = color;
    for (let k = 1; contrast(ink, ground) < 4.5 && k < 20; k++) {
        ink = "#";
        for (let i = 1; i < 7; i += 2) {
            const c = Math.round(parseInt(color.slice(i, i + 2), 16) * (1 - k / 20));
            ink += (c < 16 ? "0" : "") + c.toString(16);
        }
    }
    return ink;
}
