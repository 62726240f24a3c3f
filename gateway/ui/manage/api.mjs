// api.mjs - what these pages ask of the gateway: one function a request.
import { query, request } from "../inbox/api.mjs";

export const audit = (fields) => request("GET", "/audit" + query(fields));
export const auditTable = (fields) => "/api/v1/audit.csv" + query(fields);
export const tokens = () => request("GET", "/tokens");
export const addToken = (fields) => request("POST", "/tokens", fields);
export const revokeToken = (name) => request("DELETE", "/tokens/" + encodeURIComponent(name));
export const teams = () => request("GET", "/teams");
export const addTeam = (fields) => request("POST", "/teams", fields);
export const changeTeam = (team, fields) => request("PATCH", "/teams/" + encodeURIComponent(team), fields);
export const removeTeam = (team) => request("DELETE", "/teams/" + encodeURIComponent(team));
export const allLabels = (fields) => request("GET", "/labels/all" + query(fields));
export const renameLabel = (label, to) => request("POST", "/labels/rename", { label, to });
export const removeLabel = (label) => request("POST", "/labels/remove", { label });
export const system = () => request("GET", "/system");
// What the first steps are known by.
export const start = async () => {
    const [{ channels }, { totals }, { agents }] = await Promise.all([request("GET", "/channels"), request("GET", "/reports"), request("GET", "/agents")]);
    return { channels, totals, agents };
};
