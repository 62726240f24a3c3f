// looks.mjs - what the admin has set for the channel (the settings under their own names), in the visitor's language,
// under what the page asks for. Pure, but for looksOf(), which finds it in the panel's own page.

export function looksOf(document) {
    try {
        return JSON.parse(document.getElementById("looks").textContent) ?? {};
    } catch {
        return {};
    }
}

// What is asked: [{name: "name" | "email" | "phone", must}].
const fields = (form) => (form ?? []).map((f) => ({ name: f.replace("!", ""), must: f.endsWith("!") }));

// said: the page's own options. A consent that the channel asks for cannot be talked away by a page. A text that is
// not there in his language is none: then the chat has words of its own.
export function optionsOf(looks, said, lang) {
    const own = looks.consent && looks.consent !== "none";
    const text = (key) => looks[`${key}_${lang}`] || "";
    return {
        site: said.site ?? looks.site,
        color: said.color || looks.color,
        title: said.title || text("title"),
        greeting: said.greeting || text("greeting"),
        offline: text("offline"),
        answers: text("quick_answers") || [],
        form: fields(looks.form),
        rating: !!looks.rating,
        sound: looks.sound !== false,
        consent: own ? looks.consent : said.consent,
        consentText: own ? text("consent_text") : said.consentText,
        consentUrl: own ? looks.consent_url : said.consentUrl,
        consentVersion: own ? looks.consent_version : said.consentVersion,
    };
}
