//! Where the name service listens, and what it makes of bytes that are no question.

use std::net::SocketAddr;
use std::time::Duration;

use hickory_server::proto::op::ResponseCode;
use hickory_server::proto::rr::RecordType;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tsg_sim::cns::NameServerSite;

use crate::dns::{outcome, question, tcp, udp};
use crate::scene::{Scene, ZONE};

#[tokio::test]
async fn it_can_be_left_out() {
    let scene = Scene::at(NameServerSite::Off, &[]).await;
    assert_eq!(scene.server.name_server(), None);
    scene.server.shutdown().await;
}

#[tokio::test]
async fn a_taken_port_is_passed_over_where_the_next_one_will_do() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let wanted = taken.local_addr().unwrap();
    let scene = Scene::at(NameServerSite::From(wanted), &[("one", "web")]).await;
    let address = scene.address();
    assert!(address.ip() == wanted.ip() && address.port() > wanted.port(), "{address}");
    let answer = udp(address, &question(&format!("web.svc.demo.{ZONE}"), RecordType::A)).await;
    assert_eq!(outcome(&answer), (ResponseCode::NoError, 2));
}

#[tokio::test]
async fn bytes_that_are_no_message_disturb_nobody() {
    let scene = Scene::with(&[("one", "web")]).await;
    let server: SocketAddr = scene.address();
    let rude = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for bytes in [vec![], vec![0], vec![0xff; 12], vec![0xc0; 512]] {
        rude.send_to(&bytes, server).await.unwrap();
    }
    let mut cut_off = TcpStream::connect(server).await.unwrap();
    cut_off.write_all(&[0xff, 0xff, 0x00]).await.unwrap();
    let asked = question(&format!("web.svc.demo.{ZONE}"), RecordType::A);
    assert_eq!(outcome(&udp(server, &asked).await), (ResponseCode::NoError, 2));
    assert_eq!(outcome(&tcp(server, &asked).await), (ResponseCode::NoError, 2));
}

#[tokio::test]
async fn an_idle_connection_does_not_hold_up_the_end() {
    let scene = Scene::with(&[]).await;
    let idle = TcpStream::connect(scene.address()).await.unwrap();
    tokio::time::timeout(Duration::from_secs(10), scene.server.shutdown()).await.expect("it ends");
    drop(idle);
}
