// What charts.js needs of D3, and no more.
export { max, range, sum } from "d3-array";
export { forceCollide, forceLink, forceManyBody, forceSimulation, forceX, forceY } from "d3-force";
export { sankey, sankeyLinkHorizontal } from "d3-sankey";
export { scaleBand, scaleLinear } from "d3-scale";
