// saved.mjs - one text in the page's localStorage; in memory where storage is refused or full. What is in
// it, the panel knows: in the page itself JSON may have been changed by other scripts.

export function openSaved(key) {
    let memory = "";
    try {
        memory = localStorage.getItem(key) || "";
    } catch {
        /* no storage here: the chat lives as long as the page */
    }
    return {
        get: () => memory,
        set(text) {
            memory = text || "";
            try {
                if (memory) localStorage.setItem(key, memory);
                else localStorage.removeItem(key);
            } catch {
                /* kept in memory */
            }
        },
    };
}
