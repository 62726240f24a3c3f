// saved.mjs - one object in the page's localStorage; in memory where storage is refused or full.

export function openSaved(key) {
    let memory = {};
    try {
        memory = JSON.parse(localStorage.getItem(key)) || {};
    } catch {
        /* no storage here: the chat lives as long as the page */
    }
    return {
        get: () => memory,
        set(value) {
            memory = value || {};
            try {
                if (Object.keys(memory).length) localStorage.setItem(key, JSON.stringify(memory));
                else localStorage.removeItem(key);
            } catch {
                /* kept in memory */
            }
        },
    };
}
