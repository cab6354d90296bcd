use reen_error::{Code, Failure};
use reen_proto::auth::v1 as auth;
use reen_proto::time::from_millis;
use tonic::{Request, async_trait};

use super::{Answer, BORN, BUYER, DEVICE, OPERATOR, SELLER, answer};
use crate::support::Mesh;

fn user(id: &str) -> auth::User {
    let role = match id {
        OPERATOR => auth::Role::Operator,
        SELLER => auth::Role::Seller,
        _ => auth::Role::Buyer,
    };
    auth::User {
        id: id.to_owned(),
        name: "Ada".to_owned(),
        email: "ada@example.com".to_owned(),
        role: role.into(),
        balance_cents: 400_000_000,
        created_at: Some(from_millis(BORN)),
        updated_at: Some(from_millis(BORN)),
        ..Default::default()
    }
}

pub(super) fn session(token: &str) -> auth::Session {
    auth::Session {
        access_token: "access".to_owned(),
        refresh_token: token.to_owned(),
        refresh_expires_at: None,
        user: Some(user(BUYER)),
        device_token: String::new(),
    }
}

fn public(id: &str) -> auth::PublicUser {
    auth::PublicUser {
        id: id.to_owned(),
        name: "Grace".to_owned(),
        role: auth::Role::Seller.into(),
        ..Default::default()
    }
}

#[async_trait]
impl auth::auth_server::Auth for Mesh {
    async fn get_jwks(&self, r: Request<auth::GetJwksRequest>) -> Answer<auth::GetJwksResponse> {
        self.note("GetJwks", &r)?;
        let jwks_json = self.jwks();
        answer(auth::GetJwksResponse { jwks_json })
    }

    async fn get_clerk_jwks(
        &self,
        r: Request<auth::GetClerkJwksRequest>,
    ) -> Answer<auth::GetClerkJwksResponse> {
        self.note("GetClerkJwks", &r)?;
        let jwks_json = self.with(|state| state.clerk_keys.to_string());
        answer(auth::GetClerkJwksResponse { jwks_json })
    }

    async fn resolve_clerk_user(
        &self,
        r: Request<auth::ResolveClerkUserRequest>,
    ) -> Answer<auth::ResolveClerkUserResponse> {
        self.note("ResolveClerkUser", &r)?;
        let known = self.with(|state| state.clerk_users.get(&r.get_ref().clerk_id).cloned());
        let user_id = known.ok_or_else(|| Failure::new(Code::Unauthenticated, "is gone"))?;
        answer(auth::ResolveClerkUserResponse { user_id })
    }

    async fn sign_up(&self, r: Request<auth::SignUpRequest>) -> Answer<auth::Session> {
        self.note("SignUp", &r)?;
        answer(session("first"))
    }

    async fn sign_in(&self, r: Request<auth::SignInRequest>) -> Answer<auth::Session> {
        self.note("SignIn", &r)?;
        answer(auth::Session {
            device_token: DEVICE.to_owned(),
            ..session("first")
        })
    }

    async fn refresh_session(
        &self,
        r: Request<auth::RefreshSessionRequest>,
    ) -> Answer<auth::Session> {
        self.note("RefreshSession", &r)?;
        if r.get_ref().refresh_token == "first" {
            return answer(session("second"));
        }
        Err(Failure::new(Code::InvalidRefreshToken, "used already").into())
    }

    async fn sign_out(&self, r: Request<auth::SignOutRequest>) -> Answer<auth::SignOutResponse> {
        self.note("SignOut", &r)?;
        answer(auth::SignOutResponse {})
    }

    async fn sign_out_everywhere(
        &self,
        r: Request<auth::SignOutEverywhereRequest>,
    ) -> Answer<auth::SignOutEverywhereResponse> {
        self.note("SignOutEverywhere", &r)?;
        answer(auth::SignOutEverywhereResponse {})
    }

    async fn change_password(
        &self,
        r: Request<auth::ChangePasswordRequest>,
    ) -> Answer<auth::Session> {
        self.note("ChangePassword", &r)?;
        answer(session("second"))
    }

    async fn get_user(&self, r: Request<auth::GetUserRequest>) -> Answer<auth::GetUserResponse> {
        self.note("GetUser", &r)?;
        let id = &r.get_ref().id;
        let asking = reen_chassis::Caller::of(&r)?.user;
        let view = if asking.as_deref() == Some(id) {
            auth::get_user_response::View::Own(user(id))
        } else {
            auth::get_user_response::View::Public(public(id))
        };
        answer(auth::GetUserResponse { view: Some(view) })
    }

    async fn find_users(
        &self,
        r: Request<auth::FindUsersRequest>,
    ) -> Answer<auth::FindUsersResponse> {
        self.note("FindUsers", &r)?;
        let ids = r.into_inner().ids;
        let known = ids.iter().filter(|id| *id == SELLER || *id == BUYER);
        let users = known.map(|id| public(id)).collect();
        answer(auth::FindUsersResponse { users })
    }

    async fn list_users(
        &self,
        r: Request<auth::ListUsersRequest>,
    ) -> Answer<auth::ListUsersResponse> {
        self.note("ListUsers", &r)?;
        let users = vec![public(SELLER), public(BUYER)];
        answer(auth::ListUsersResponse {
            users,
            total: 2,
            next: None,
        })
    }

    async fn update_profile(&self, r: Request<auth::UpdateProfileRequest>) -> Answer<auth::User> {
        self.note("UpdateProfile", &r)?;
        answer(user(BUYER))
    }

    async fn change_role(&self, r: Request<auth::ChangeRoleRequest>) -> Answer<auth::User> {
        self.note("ChangeRole", &r)?;
        let role = r.into_inner().role;
        answer(auth::User {
            role,
            ..user(BUYER)
        })
    }
}
