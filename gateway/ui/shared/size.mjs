// size.mjs - bytes as people read them: "812 B", "1.4 MB". words: unit names, smallest first.

export function fileSize(lang, bytes, words) {
    let n = Number(bytes) || 0;
    let unit = 0;
    while (n >= 1000 && unit < words.length - 1) {
        n /= 1024;
        unit++;
    }
    const digits = unit === 0 || n >= 100 ? 0 : 1;
    const text = new Intl.NumberFormat(lang, { maximumFractionDigits: digits }).format(n);
    return text + "\u00a0" + words[unit];
}
