// lent.mjs - what bundles beside the inbox's use of it, so that it is there once: see build.mjs, which reads the lines
// below. They are given as whole modules, each under the name that stands in its import.
import * as jsx from "preact/jsx-runtime";
import * as hooks from "preact/hooks";
import * as i18n from "../shared/i18n.mjs";
import * as links from "../shared/links.mjs";
import * as api from "./api.mjs";
import * as attachments from "./attachments.jsx";
import * as context from "./context.jsx";
import * as filters from "./filters.jsx";
import * as icons from "./icons.jsx";
import * as parts from "./parts.jsx";
import * as routes from "./routes.mjs";
import * as signin from "./signin.jsx";

export const lent = {
    "preact/jsx-runtime": jsx,
    "preact/hooks": hooks,
    "../shared/i18n.mjs": i18n,
    "../shared/links.mjs": links,
    "./api.mjs": api,
    "./attachments.jsx": attachments,
    "./context.jsx": context,
    "./filters.jsx": filters,
    "./icons.jsx": icons,
    "./parts.jsx": parts,
    "./routes.mjs": routes,
    "./signin.jsx": signin,
};
