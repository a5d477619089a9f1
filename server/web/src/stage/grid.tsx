import { usePagination, type TrackReferenceOrPlaceholder } from '@livekit/components-react';
import { BackIcon, ForwardIcon } from '../ui/icons';
import { fitGrid } from './fit-grid';
import { Tile, tileKey } from './tile';
import { useSize } from './use-size';

const GAP = 12;
const TILES_PER_PAGE = { desk: 25, phone: 8 };

/** Everyone at the same size, on as few pages as reasonable; who speaks comes to the first page. */
export function Grid({ tracks, pinned, onPin }: { tracks: TrackReferenceOrPlaceholder[]; pinned: string | undefined; onPin: (key: string) => void }) {
  const [area, size] = useSize<HTMLDivElement>();
  const perPage = size.width < 600 ? TILES_PER_PAGE.phone : TILES_PER_PAGE.desk;
  const page = usePagination(perPage, tracks);
  const { columns, tileWidth, tileHeight } = fitGrid(page.tracks.length, size.width, size.height, GAP);

  return (
    <div className="grid-view">
      <div ref={area} className="grid-area">
        <div
          className="grid"
          style={{ gridTemplateColumns: `repeat(${columns}, ${tileWidth}px)`, gridAutoRows: `${tileHeight}px`, gap: GAP }}
        >
          {page.tracks.map((track) => (
            <Tile key={tileKey(track)} track={track} pinned={tileKey(track) === pinned} onPin={onPin} />
          ))}
        </div>
      </div>
      {page.totalPageCount > 1 && (
        <nav className="grid-pages" aria-label="Pages of participants">
          <button className="icon-button" onClick={page.prevPage} disabled={page.currentPage === 1} aria-label="Previous page">
            <BackIcon />
          </button>
          <span aria-live="polite">
            {page.currentPage} / {page.totalPageCount}
          </span>
          <button
            className="icon-button"
            onClick={page.nextPage}
            disabled={page.currentPage === page.totalPageCount}
            aria-label="Next page"
          >
            <ForwardIcon />
          </button>
        </nav>
      )}
    </div>
  );
}
