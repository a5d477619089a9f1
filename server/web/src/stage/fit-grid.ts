export interface GridFit {
  columns: number;
  tileWidth: number;
  tileHeight: number;
}

/** The shapes that tiles may take, so that faces stay whole: cameras are wide, and only a phone held upright asks for tall tiles. */
const WIDEST = 16 / 9;
const TALLEST = { landscape: 4 / 3, portrait: 4 / 5 };

/** Finds the number of columns that shows `count` equal tiles as large as the area allows. */
export function fitGrid(count: number, width: number, height: number, gap: number): GridFit {
  const tallest = width > height ? TALLEST.landscape : TALLEST.portrait;
  let best: GridFit = { columns: 1, tileWidth: 0, tileHeight: 0 };
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    const cellWidth = Math.max(0, (width - gap * (columns - 1)) / columns);
    const cellHeight = Math.max(0, (height - gap * (rows - 1)) / rows);
    const tileWidth = Math.floor(Math.min(cellWidth, cellHeight * WIDEST));
    const tileHeight = Math.floor(Math.min(cellHeight, cellWidth / tallest));
    if (tileWidth * tileHeight > best.tileWidth * best.tileHeight) best = { columns, tileWidth, tileHeight };
  }
  return best;
}
