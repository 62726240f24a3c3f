// preferences.mjs - what an agent may choose for his pages, and what holds for who has chosen nothing: as GET /preferences.
export const PRESETS = { mine: true, unassigned: true, mentions: true, sound: true, browser: false, quiet_from: null, quiet_to: null,
    theme: "auto", language: null };

// The colours that were chosen; "auto" follows the system.
export function paint(theme) {
    const { dataset } = document.documentElement;
    if (theme === "light" || theme === "dark") dataset.theme = theme;
    else delete dataset.theme;
}
