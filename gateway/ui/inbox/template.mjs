// template.mjs - templates of a messenger: found, filled in and shown as the client will see them. What
// the gateway knows of one is in openapi.json (Template). Pure functions.

const FILES = { image: "image/jpeg,image/png", video: "video/mp4,video/3gpp", document: "" };

// What a header's file may be, for <input accept>; null: it takes none.
export const headerFile = (tpl) => FILES[tpl.header?.kind] ?? null;

export const keyOf = (tpl) => `${tpl.name} ${tpl.language}`;

// Those that hold every word of the query; usable ones first, then by name.
export function findTemplates(list, query) {
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    const text = (tpl) => [tpl.name, tpl.language, tpl.header?.text, tpl.body, tpl.footer].filter(Boolean).join(" ").toLowerCase();
    return list.filter((tpl) => words.every((w) => text(tpl).includes(w)))
        .sort((a, b) => Number(b.usable) - Number(a.usable) || a.name.localeCompare(b.name) || a.language.localeCompare(b.language));
}

// A field of "body.first_name" stands as {{first_name}} in the body.
function fill(text, part, tpl, values, gap) {
    return (text ?? "").replace(/\{\{\s*([\w ]+?)\s*\}\}/g, (all, name) => {
        const id = `${part}.${name}`;
        if (!tpl.fields.some((f) => f.id === id)) return all;
        return values[id] || gap(name);
    });
}

// {header, body, footer} with the values in their places; gap(name): what stands where none is.
export function filled(tpl, values, gap = (name) => `{{${name}}}`) {
    return {
        header: tpl.header?.kind === "text" ? fill(tpl.header.text, "header", tpl, values, gap) : "",
        body: fill(tpl.body, "body", tpl, values, gap),
        footer: tpl.footer ?? "",
    };
}

// The message's text, as the gateway makes it.
export function templateText(tpl, values) {
    const { header, body, footer } = filled(tpl, values);
    return [header, body, footer].filter(Boolean).join("\n\n");
}

export const missing = (tpl, values) => tpl.fields.filter((f) => !(values[f.id] ?? "").trim());
