use reen_error::Code;
use reen_proto::auth::v1::{
    AnonymiseUserRequest, ChangeRoleRequest, ChargeFeeRequest, FindContactsRequest,
    FindUsersRequest, ForgetPurchaseRequest, GetBalanceRequest, GetJwksRequest, GetUserRequest,
    ListUsersRequest, PostSaleRequest, RecordPurchaseRequest, RefreshSessionRequest,
    ReverseFeeRequest, ReverseSaleRequest, SignInRequest, SignOutEverywhereRequest, SignOutRequest,
    SignUpRequest, UpdateProfileRequest,
};

use crate::support::{Auth, acting, code, nobody};

/// Every process, and one that is none of the mesh.
const PROCESSES: [&str; 7] = [
    "gateway",
    "products",
    "cart-items",
    "checkout",
    "orders",
    "events-handler",
    "stranger",
];

macro_rules! only {
    ($auth:ident, $call:ident($request:expr), $allowed:expr) => {
        for process in PROCESSES {
            let mut client = $auth.called_from(process);
            let answer = acting(&nobody(), client.$call($request)).await;
            let is_unknown = answer.is_err() && code(answer) == Code::UnknownCaller;
            let is_allowed = $allowed.contains(&process);
            assert_eq!(
                is_unknown,
                !is_allowed,
                "{} by {process}",
                stringify!($call)
            );
        }
    };
}

#[tokio::test]
async fn each_call_is_for_those_who_need_it() {
    let auth = Auth::start().await;
    let gateway = ["gateway"];
    only!(auth, sign_up(SignUpRequest::default()), gateway);
    only!(auth, sign_in(SignInRequest::default()), gateway);
    only!(
        auth,
        refresh_session(RefreshSessionRequest::default()),
        gateway
    );
    only!(auth, sign_out(SignOutRequest::default()), gateway);
    only!(
        auth,
        sign_out_everywhere(SignOutEverywhereRequest {}),
        gateway
    );
    only!(auth, get_jwks(GetJwksRequest {}), gateway);
    only!(auth, get_user(GetUserRequest::default()), gateway);
    only!(auth, list_users(ListUsersRequest::default()), gateway);
    only!(
        auth,
        update_profile(UpdateProfileRequest::default()),
        gateway
    );
    only!(auth, change_role(ChangeRoleRequest::default()), gateway);
    let joiners = ["gateway", "products", "orders", "events-handler"];
    only!(auth, find_users(FindUsersRequest::default()), joiners);
    only!(
        auth,
        get_balance(GetBalanceRequest::default()),
        ["gateway", "checkout"]
    );
    let catalogue = ["products"];
    only!(auth, charge_fee(ChargeFeeRequest::default()), catalogue);
    only!(auth, reverse_fee(ReverseFeeRequest::default()), catalogue);
    let sagas = ["events-handler"];
    only!(auth, find_contacts(FindContactsRequest::default()), sagas);
    only!(auth, anonymise_user(AnonymiseUserRequest::default()), sagas);
    only!(auth, post_sale(PostSaleRequest::default()), sagas);
    only!(auth, reverse_sale(ReverseSaleRequest::default()), sagas);
    only!(
        auth,
        record_purchase(RecordPurchaseRequest::default()),
        sagas
    );
    only!(
        auth,
        forget_purchase(ForgetPurchaseRequest::default()),
        sagas
    );
}
