//! The adapter: parse, call, map. No queries, no rules.

mod api_keys;
mod keys;
mod parse;
mod profile;
mod recovery;
mod second_factor;
mod view;

pub(crate) use api_keys::ApiKeysGrpc;
pub(crate) use keys::KeysGrpc;
pub(crate) use recovery::RecoveryGrpc;
pub(crate) use second_factor::SecondFactorsGrpc;

use std::sync::Arc;

use bson::oid::ObjectId;
use reen_chassis::server::refuse;
use reen_chassis::{Caller, Operation};
use reen_error::Failure;
use reen_proto::auth::v1 as proto;
use secrecy::SecretString;
use tonic::{Request, Response, Status};

use crate::domain::{NewUser, OpaqueToken, Page, PresentedCode};
use crate::error::Error;
use crate::service::{Ledger, Sessions, SigningKeys, Users};
use crate::store::Idempotency;

/// Who acts on behalf of users, also of those who are about to sign in.
const GATEWAY: &[&str] = &["gateway"];
const SAGAS: &[&str] = &["events-handler"];
const CATALOGUE: &[&str] = &["products"];
/// Who shows names beside what users own.
const JOINERS: &[&str] = &["gateway", "products", "orders", "events-handler"];
/// Who can start a process beside the mesh may name operators; nobody else may.
const COMMAND_LINE: &[&str] = &["reen"];
const PAYMENTS: &[&str] = &["checkout", "gateway"];

pub(crate) struct Grpc {
    sessions: Arc<Sessions>,
    keys: Arc<SigningKeys>,
    users: Arc<Users>,
    ledger: Ledger,
    idempotency: Idempotency,
}

impl Grpc {
    pub(crate) fn new(
        sessions: Arc<Sessions>,
        keys: Arc<SigningKeys>,
        users: Users,
        ledger: Ledger,
        idempotency: Idempotency,
    ) -> Self {
        Self {
            sessions,
            keys,
            users: Arc::new(users),
            ledger,
            idempotency,
        }
    }
}

#[tonic::async_trait]
impl proto::auth_server::Auth for Grpc {
    async fn sign_up(
        &self,
        request: Request<proto::SignUpRequest>,
    ) -> Result<Response<proto::Session>, Status> {
        Caller::of(&request)?.must_be(GATEWAY)?;
        let asked = request.into_inner();
        let password = SecretString::from(asked.password);
        let new_user =
            NewUser::parse(&asked.name, &asked.email, password).map_err(Failure::invalid)?;
        let client = parse::client(asked.client);
        let session = self.sessions.sign_up(new_user, &client).await;
        answer(session.map(view::session))
    }

    async fn sign_in(
        &self,
        request: Request<proto::SignInRequest>,
    ) -> Result<Response<proto::Session>, Status> {
        Caller::of(&request)?.must_be(GATEWAY)?;
        let asked = request.into_inner();
        let password = SecretString::from(asked.password);
        let client = parse::client(asked.client);
        let code = PresentedCode::parse(&asked.code);
        let session = self
            .sessions
            .sign_in(&asked.email, password, code.as_ref(), &client)
            .await;
        answer(session.map(view::session))
    }

    async fn refresh_session(
        &self,
        request: Request<proto::RefreshSessionRequest>,
    ) -> Result<Response<proto::Session>, Status> {
        Caller::of(&request)?.must_be(GATEWAY)?;
        let token = OpaqueToken::presented(request.into_inner().refresh_token);
        answer(self.sessions.refresh(&token).await.map(view::session))
    }

    async fn sign_out(
        &self,
        request: Request<proto::SignOutRequest>,
    ) -> Result<Response<proto::SignOutResponse>, Status> {
        Caller::of(&request)?.must_be(GATEWAY)?;
        let token = OpaqueToken::presented(request.into_inner().refresh_token);
        let ended = self.sessions.sign_out(&token).await;
        answer(ended.map(|()| proto::SignOutResponse {}))
    }

    async fn sign_out_everywhere(
        &self,
        request: Request<proto::SignOutEverywhereRequest>,
    ) -> Result<Response<proto::SignOutEverywhereResponse>, Status> {
        let user_id = signed_in(&request)?;
        let ended = self.sessions.sign_out_everywhere(user_id).await;
        answer(ended.map(|()| proto::SignOutEverywhereResponse {}))
    }

    async fn change_password(
        &self,
        request: Request<proto::ChangePasswordRequest>,
    ) -> Result<Response<proto::Session>, Status> {
        let user_id = signed_in(&request)?;
        let asked = request.into_inner();
        let current = SecretString::from(asked.current_password);
        let new = parse::new_password(asked.new_password)?;
        let session = self.sessions.change_password(user_id, current, new).await;
        answer(session.map(view::session))
    }

    async fn get_jwks(
        &self,
        request: Request<proto::GetJwksRequest>,
    ) -> Result<Response<proto::GetJwksResponse>, Status> {
        Caller::of(&request)?.must_be(GATEWAY)?;
        let keys = self.keys.published().await;
        answer(keys.map(|jwks_json| proto::GetJwksResponse { jwks_json }))
    }

    async fn get_clerk_jwks(
        &self,
        request: Request<proto::GetClerkJwksRequest>,
    ) -> Result<Response<proto::GetClerkJwksResponse>, Status> {
        Caller::of(&request)?.must_be(GATEWAY)?;
        let keys = self.users.clerk_keys().await;
        answer(keys.map(|jwks_json| proto::GetClerkJwksResponse { jwks_json }))
    }

    async fn get_user(
        &self,
        request: Request<proto::GetUserRequest>,
    ) -> Result<Response<proto::GetUserResponse>, Status> {
        let caller = Caller::of(&request)?;
        caller.must_be(GATEWAY)?;
        let (viewer, key) = parse::viewer_and_key(&caller, &request.get_ref().id)?;
        answer(self.users.get(viewer, &key).await.map(view::either))
    }

    async fn find_users(
        &self,
        request: Request<proto::FindUsersRequest>,
    ) -> Result<Response<proto::FindUsersResponse>, Status> {
        Caller::of(&request)?.must_be(JOINERS)?;
        let ids = parse::known_ids(&request.get_ref().ids)?;
        let users = self.users.find(&ids).await;
        answer(users.map(|users| proto::FindUsersResponse {
            users: users.into_iter().map(view::public).collect(),
        }))
    }

    async fn list_users(
        &self,
        request: Request<proto::ListUsersRequest>,
    ) -> Result<Response<proto::ListUsersResponse>, Status> {
        Caller::of(&request)?.must_be(GATEWAY)?;
        let asked = request.get_ref();
        let page = Page::parse(asked.limit, asked.skip).map_err(Failure::invalid)?;
        if let Some(keyset) = &asked.keyset {
            let after = parse::position(keyset)?;
            let listed = self.users.list_behind(after, page.limit).await;
            return answer(listed.map(view::users_behind));
        }
        let listed = self.users.list(page).await;
        answer(listed.map(|(users, total)| proto::ListUsersResponse {
            users: users.into_iter().map(view::public).collect(),
            total: i64::try_from(total).unwrap_or(i64::MAX),
            next: None,
        }))
    }

    async fn find_contacts(
        &self,
        request: Request<proto::FindContactsRequest>,
    ) -> Result<Response<proto::FindContactsResponse>, Status> {
        Caller::of(&request)?.must_be(SAGAS)?;
        let ids = parse::known_ids(&request.get_ref().ids)?;
        let contacts = self.users.contacts(&ids).await;
        answer(contacts.map(|contacts| proto::FindContactsResponse {
            contacts: contacts.into_iter().map(view::contact).collect(),
        }))
    }

    async fn update_profile(
        &self,
        request: Request<proto::UpdateProfileRequest>,
    ) -> Result<Response<proto::User>, Status> {
        self.change_profile(request).await
    }

    async fn change_role(
        &self,
        request: Request<proto::ChangeRoleRequest>,
    ) -> Result<Response<proto::User>, Status> {
        self.change_own_role(request).await
    }

    async fn set_operator(
        &self,
        request: Request<proto::SetOperatorRequest>,
    ) -> Result<Response<proto::User>, Status> {
        Caller::of(&request)?.must_be(COMMAND_LINE)?;
        let asked = request.get_ref();
        let set = self.users.set_operator(&asked.email, asked.operator).await;
        answer(set.map(view::own))
    }

    async fn sync_clerk_user(
        &self,
        request: Request<proto::SyncClerkUserRequest>,
    ) -> Result<Response<proto::SyncClerkUserResponse>, Status> {
        Caller::of(&request)?.must_be(SAGAS)?;
        let asked = request.into_inner();
        let user = parse::clerk_user(&asked)?;
        let operation = Operation::required(asked.operation)?;
        let synced = self.users.sync_clerk_user(&operation, &user).await;
        answer(synced.map(|user_id| proto::SyncClerkUserResponse {
            user_id: user_id.map(|id| id.to_hex()).unwrap_or_default(),
        }))
    }

    async fn resolve_clerk_user(
        &self,
        request: Request<proto::ResolveClerkUserRequest>,
    ) -> Result<Response<proto::ResolveClerkUserResponse>, Status> {
        Caller::of(&request)?.must_be(GATEWAY)?;
        let clerk_id = parse::clerk_id(&request.get_ref().clerk_id)?;
        let resolved = self.users.resolve_clerk_user(clerk_id).await;
        answer(resolved.map(|id| proto::ResolveClerkUserResponse {
            user_id: id.to_hex(),
        }))
    }

    async fn forget_clerk_user(
        &self,
        request: Request<proto::ForgetClerkUserRequest>,
    ) -> Result<Response<proto::ForgetClerkUserResponse>, Status> {
        Caller::of(&request)?.must_be(SAGAS)?;
        let asked = request.into_inner();
        let operation = Operation::required(asked.operation)?;
        let clerk_id = parse::clerk_id(&asked.clerk_id)?;
        let forgotten = self.users.forget_clerk_user(&operation, clerk_id).await;
        answer(forgotten.map(|user_id| proto::ForgetClerkUserResponse {
            user_id: user_id.map(|id| id.to_hex()),
        }))
    }

    async fn anonymise_user(
        &self,
        request: Request<proto::AnonymiseUserRequest>,
    ) -> Result<Response<proto::AnonymiseUserResponse>, Status> {
        Caller::of(&request)?.must_be(SAGAS)?;
        let asked = request.into_inner();
        let operation = Operation::required(asked.operation)?;
        let user_id = parse::object_id("userId", &asked.user_id)?;
        let forgotten = self.users.anonymise(&operation, user_id).await;
        answer(forgotten.map(|()| proto::AnonymiseUserResponse {}))
    }

    async fn get_balance(
        &self,
        request: Request<proto::GetBalanceRequest>,
    ) -> Result<Response<proto::GetBalanceResponse>, Status> {
        let caller = Caller::of(&request)?;
        caller.must_be(PAYMENTS)?;
        let user_id = parse::own_id(&caller, &request.get_ref().user_id)?;
        let balance = self.ledger.balance(user_id).await;
        answer(balance.map(|balance_cents| proto::GetBalanceResponse { balance_cents }))
    }

    async fn charge_fee(
        &self,
        request: Request<proto::ChargeFeeRequest>,
    ) -> Result<Response<proto::ChargeFeeResponse>, Status> {
        Caller::of(&request)?.must_be(CATALOGUE)?;
        let asked = request.into_inner();
        let charge = parse::charge(&asked)?;
        let operation = Operation::required(asked.operation)?;
        let left = self.ledger.charge_fee(&operation, &charge).await;
        answer(left.map(|balance_cents| proto::ChargeFeeResponse { balance_cents }))
    }

    async fn reverse_fee(
        &self,
        request: Request<proto::ReverseFeeRequest>,
    ) -> Result<Response<proto::ReverseFeeResponse>, Status> {
        Caller::of(&request)?.must_be(CATALOGUE)?;
        let asked = request.into_inner();
        let operation = Operation::required(asked.operation)?;
        let fee = parse::operation_id("feeOperationId", &asked.fee_operation_id)?;
        let reversed = self.ledger.reverse_fee(&operation, fee).await;
        answer(reversed.map(|()| proto::ReverseFeeResponse {}))
    }

    async fn post_sale(
        &self,
        request: Request<proto::PostSaleRequest>,
    ) -> Result<Response<proto::PostSaleResponse>, Status> {
        Caller::of(&request)?.must_be(SAGAS)?;
        let asked = request.into_inner();
        let operation = Operation::required(asked.operation)?;
        let buyer_id = parse::object_id("buyerId", &asked.buyer_id)?;
        let shares = parse::shares(&asked.shares)?;
        let posted = self
            .ledger
            .post_sale(operation, buyer_id, asked.total_cents, &shares)
            .await;
        answer(posted.map(|()| proto::PostSaleResponse {}))
    }

    async fn reverse_sale(
        &self,
        request: Request<proto::ReverseSaleRequest>,
    ) -> Result<Response<proto::ReverseSaleResponse>, Status> {
        Caller::of(&request)?.must_be(SAGAS)?;
        let asked = request.into_inner();
        let operation = Operation::required(asked.operation)?;
        let sale = parse::operation_id("saleOperationId", &asked.sale_operation_id)?;
        let reversed = self.ledger.reverse_sale(&operation, sale).await;
        answer(reversed.map(|()| proto::ReverseSaleResponse {}))
    }

    async fn post_refund(
        &self,
        request: Request<proto::PostRefundRequest>,
    ) -> Result<Response<proto::PostRefundResponse>, Status> {
        Caller::of(&request)?.must_be(SAGAS)?;
        let asked = request.into_inner();
        let operation = Operation::required(asked.operation)?;
        let buyer_id = parse::object_id("buyerId", &asked.buyer_id)?;
        let shares = parse::shares(&asked.shares)?;
        let posted = self
            .ledger
            .post_refund(operation, buyer_id, asked.total_cents, &shares)
            .await;
        answer(posted.map(|()| proto::PostRefundResponse {}))
    }

    async fn record_purchase(
        &self,
        request: Request<proto::RecordPurchaseRequest>,
    ) -> Result<Response<proto::RecordPurchaseResponse>, Status> {
        Caller::of(&request)?.must_be(SAGAS)?;
        let asked = request.into_inner();
        let purchase = parse::purchase(&asked)?;
        let operation = Operation::required(asked.operation)?;
        let recorded = self.ledger.record_purchase(operation, purchase).await;
        answer(recorded.map(|()| proto::RecordPurchaseResponse {}))
    }

    async fn forget_purchase(
        &self,
        request: Request<proto::ForgetPurchaseRequest>,
    ) -> Result<Response<proto::ForgetPurchaseResponse>, Status> {
        Caller::of(&request)?.must_be(SAGAS)?;
        let asked = request.into_inner();
        let operation = Operation::required(asked.operation)?;
        let purchase = parse::operation_id("purchaseOperationId", &asked.purchase_operation_id)?;
        let forgotten = self.ledger.forget_purchase(&operation, purchase).await;
        answer(forgotten.map(|()| proto::ForgetPurchaseResponse {}))
    }
}

fn answer<T>(outcome: Result<T, Error>) -> Result<Response<T>, Status> {
    outcome.map(Response::new).map_err(|error| refuse(&error))
}

fn signed_in<T>(request: &Request<T>) -> Result<ObjectId, Failure> {
    let caller = Caller::of(request)?;
    caller.must_be(GATEWAY)?;
    parse::object_id("user", caller.user()?)
}
