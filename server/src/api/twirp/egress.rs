//! `livekit.Egress`

use axum::Router;
use proto::signal::messages::{
    EgressInfo, ListEgressRequest, ListEgressResponse, ParticipantEgressRequest,
    RoomCompositeEgressRequest, StartEgressRequest, StopEgressRequest, TrackCompositeEgressRequest,
    TrackEgressRequest, UpdateLayoutRequest, UpdateStreamRequest, WebEgressRequest,
};

use super::fault::Fault;
use super::rpc::rpc;
use crate::api::Api;
use crate::api::caller::Caller;
use crate::egress::{EgressError, Filter, Order};

/// The methods.
pub(super) fn routes() -> Router<Api> {
    let at = |method: &str| format!("/twirp/livekit.Egress/{method}");
    Router::new()
        .route(&at("StartRoomCompositeEgress"), rpc(start_room_composite))
        .route(&at("StartTrackCompositeEgress"), rpc(start_track_composite))
        .route(&at("StartTrackEgress"), rpc(start_track))
        .route(&at("StartParticipantEgress"), rpc(start_participant))
        .route(&at("StartWebEgress"), rpc(start_web))
        .route(&at("StartEgress"), rpc(start))
        .route(&at("UpdateLayout"), rpc(update_layout))
        .route(&at("UpdateStream"), rpc(update_stream))
        .route(&at("ListEgress"), rpc(list))
        .route(&at("StopEgress"), rpc(stop))
}

async fn start_room_composite(
    api: Api,
    caller: Caller,
    request: RoomCompositeEgressRequest,
) -> Result<EgressInfo, Fault> {
    caller.require_record(&request.room_name)?;
    begin(&api, Order::room_composite(request)).await
}

async fn start_track_composite(
    api: Api,
    caller: Caller,
    request: TrackCompositeEgressRequest,
) -> Result<EgressInfo, Fault> {
    caller.require_record(&request.room_name)?;
    begin(&api, Order::track_composite(request)).await
}

async fn start_track(
    api: Api,
    caller: Caller,
    request: TrackEgressRequest,
) -> Result<EgressInfo, Fault> {
    caller.require_record(&request.room_name)?;
    begin(&api, Order::track(request)).await
}

async fn start_participant(
    api: Api,
    caller: Caller,
    request: ParticipantEgressRequest,
) -> Result<EgressInfo, Fault> {
    caller.require_record(&request.room_name)?;
    begin(&api, Order::participant(request)).await
}

async fn begin(api: &Api, order: Result<Order, EgressError>) -> Result<EgressInfo, Fault> {
    let (egresses, order) = (api.egresses.clone(), order?);
    // Whoever hangs up meanwhile has begun it all the same.
    let begun = tokio::spawn(async move { egresses.begin(order).await });
    match begun.await {
        Ok(outcome) => Ok(outcome?),
        Err(_) => Err(Fault::new(
            super::Code::Internal,
            "the egress could not begin",
        )),
    }
}

async fn start_web(_: Api, caller: Caller, _: WebEgressRequest) -> Result<EgressInfo, Fault> {
    caller.require_record_all()?;
    let msg = "web pages are not recorded here: use StartRoomCompositeEgress with a layout";
    Err(Fault::unimplemented(msg))
}

async fn start(_: Api, caller: Caller, request: StartEgressRequest) -> Result<EgressInfo, Fault> {
    caller.require_record(&request.room_name)?;
    let msg = "use StartRoomCompositeEgress, StartParticipantEgress, StartTrackCompositeEgress or StartTrackEgress";
    Err(Fault::unimplemented(msg))
}

async fn update_layout(
    api: Api,
    caller: Caller,
    request: UpdateLayoutRequest,
) -> Result<EgressInfo, Fault> {
    permitted(&api, &caller, &request.egress_id)?;
    Ok(api
        .egresses
        .set_layout(&request.egress_id, &request.layout)?)
}

async fn update_stream(
    api: Api,
    caller: Caller,
    request: UpdateStreamRequest,
) -> Result<EgressInfo, Fault> {
    permitted(&api, &caller, &request.egress_id)?;
    let msg = "egresses end up in files here, not in streams";
    Err(Fault::unimplemented(msg))
}

async fn list(
    api: Api,
    caller: Caller,
    request: ListEgressRequest,
) -> Result<ListEgressResponse, Fault> {
    let named = |name: String| (!name.is_empty()).then_some(name);
    // Who may record one room is told of that one.
    let room = named(request.room_name).or_else(|| named(caller.0.video.room.clone()));
    match &room {
        Some(room) => caller.require_record(room)?,
        None => caller.require_record_all()?,
    }
    let items = api.egresses.list(&Filter {
        room,
        id: named(request.egress_id),
        is_active: request.active,
    });
    Ok(ListEgressResponse {
        items,
        next_page_token: None,
    })
}

async fn stop(api: Api, caller: Caller, request: StopEgressRequest) -> Result<EgressInfo, Fault> {
    permitted(&api, &caller, &request.egress_id)?;
    Ok(api.egresses.stop(&request.egress_id).await?)
}

/// Refuses callers who may not record the room of an egress. Who may record none learns of none.
fn permitted(api: &Api, caller: &Caller, id: &str) -> Result<(), Fault> {
    caller.require_record(&caller.0.video.room)?;
    let info = api.egresses.get(id)?;
    Ok(caller.require_record(&info.room_name)?)
}
