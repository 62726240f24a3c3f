// admin.jsx - the admin's pages: a bundle of its own, fetched when the first of them is wanted (admin_gate.jsx).
import { AdminAgents } from "./admin_agents.jsx";
import { AdminCanned } from "./admin_canned.jsx";
import { AdminChannels } from "./admin_channels.jsx";
import { AdminDead } from "./admin_dead.jsx";
import { AdminTargets } from "./admin_targets.jsx";
import "./css/admin.css";

globalThis.switchboardPages = {
    ...globalThis.switchboardPages, agents: AdminAgents, channels: AdminChannels, canned: AdminCanned, dead: AdminDead, targets: AdminTargets,
};
