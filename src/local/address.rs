//! Where the ports of this machine are, and what they are called.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use tokio::net::TcpListener;

use super::LocalError;

pub(super) async fn listen(address: SocketAddr, option: &'static str) -> Result<TcpListener, LocalError> {
    TcpListener::bind(address).await.map_err(|source| LocalError::Listen { address, option, source })
}

pub(super) fn url_of(listener: &TcpListener, asked: SocketAddr) -> String {
    format!("http://{}", listener.local_addr().unwrap_or(asked))
}

/// The URL by the name that the addresses of this machine have, if it listens at one of those that have it.
pub(super) fn localhost(listener: &TcpListener, asked: SocketAddr) -> Option<String> {
    let address = listener.local_addr().unwrap_or(asked);
    other_family(address.ip()).map(|_| format!("http://localhost:{}", address.port()))
}

/// The address of the other family that is called localhost, too (RFC 6761, section 6.3).
fn other_family(ip: IpAddr) -> Option<IpAddr> {
    match ip {
        IpAddr::V4(Ipv4Addr::LOCALHOST) => Some(Ipv6Addr::LOCALHOST.into()),
        IpAddr::V6(Ipv6Addr::LOCALHOST) => Some(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    }
}

/// Listens at the address of the other family, where there is one: a browser may try it first. Whatever else listens
/// there would get what is meant for this, passwords included.
pub(super) async fn beside(listener: &TcpListener, asked: SocketAddr) -> Result<Option<TcpListener>, LocalError> {
    let address = listener.local_addr().unwrap_or(asked);
    let Some(ip) = other_family(address.ip()) else { return Ok(None) };
    let address = SocketAddr::new(ip, address.port());
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(Some(listener)),
        Err(source) if source.kind() == io::ErrorKind::AddrInUse => {
            Err(LocalError::Listen { address, option: "--listen", source })
        }
        Err(_) => Ok(None),
    }
}
