//! `jea-auth key export`: the public keys as files.

use std::{fs, io, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use crate::{
    api::Operation,
    cli::{Failure, Target, network, output},
    domain::signing_key::{self, Jwk, KeyId},
    platform::machine,
};

pub(super) const HELP: &str = "\
Without options it prints the set of public keys (RFC 7517) as the service publishes it. The key that signs now comes first.

With --out the set is written into the folder as jwks.json, and with --pem each key as a file named by its id, as
1764547200000.pem. Files so named whose keys are gone are removed. Each file is replaced whole.

Keys change by themselves, and a new one is published a day before it signs: write the files anew at least daily, and have the
program that reads them read them again.

Example:
  jea-auth key export --pem --out /etc/jea-keys --url https://auth.example.org";

/// A JWK set (RFC 7517, section 5).
#[derive(Serialize, Deserialize)]
struct Set {
    keys: Vec<Jwk>,
}

/// What is shown of a file.
#[derive(Serialize)]
struct FileRow<'a> {
    file: String,
    kid: Option<&'a str>,
    alg: Option<&'static str>,
}

const COLUMNS: [&str; 3] = ["file", "kid", "alg"];
const SET: &str = "jwks.json";

pub(super) async fn run(pem: bool, out: Option<&Path>, url: Option<&str>, target: &Target) -> Result<(), Failure> {
    let keys = match url {
        Some(url) => published_at(url).await?,
        None => stored(target).await?,
    };
    let pems = if pem { keys.iter().map(pem_of).collect::<Result<Vec<_>, _>>()? } else { Vec::new() };
    let set = serde_json::to_string(&Set { keys: keys.clone() })?;
    let Some(folder) = out else {
        return output::data(&if pem { pems.concat() } else { set + "\n" }).map(drop);
    };
    let mut files = vec![(FileRow { file: SET.to_owned(), kid: None, alg: None }, set + "\n")];
    files.extend(keys.iter().zip(pems).map(|(key, pem)| {
        let (kid, alg) = (key.key_id().as_str(), key.algorithm().name());
        (FileRow { file: format!("{kid}.pem"), kid: Some(kid), alg: Some(alg) }, pem)
    }));
    write(folder, &files, pem).map_err(|error| {
        let message = format!("the files in {} could not be written: {error}", folder.display());
        Failure::new(message, "those that are there are whole; mend what is said, and export again")
    })?;
    output::rows(&files.into_iter().map(|(row, _)| row).collect::<Vec<_>>(), &COLUMNS, target.json)
}

/// The keys that the table has, in the order of the set.
async fn stored(target: &Target) -> Result<Vec<Jwk>, Failure> {
    let rotation = target.connect().await.stack.rotation();
    let keys = rotation.stored().await.map_err(|error| target.unreachable(error))?.keys;
    let keys: Vec<Jwk> = signing_key::published(&keys, machine::now()).into_iter().map(|key| key.jwk.clone()).collect();
    if keys.is_empty() {
        return Err(Failure::new("there is no signing key", "make one with `jea-auth key rotate`"));
    }
    Ok(keys)
}

/// The keys that a service publishes, in its order.
async fn published_at(url: &str) -> Result<Vec<Jwk>, Failure> {
    const HINT: &str = "give the stack's output Url; without a domain of its own it ends in /prod";
    let set = network::object(url, Operation::Jwks).await.map_err(|found| Failure::new(found, HINT))?;
    match serde_json::from_value::<Set>(set) {
        Ok(set) if !set.keys.is_empty() => Ok(set.keys),
        Ok(_) | Err(_) => Err(Failure::new(format!("{url} publishes no set of keys of this service"), HINT)),
    }
}

/// A public key in the textual encoding of RFC 7468, section 13.
fn pem_of(key: &Jwk) -> Result<String, Failure> {
    let Some(der) = key.subject_public_key_info() else {
        let kid = key.key_id().as_str();
        return Err(Failure::new(format!("key {kid} is no public key"), "`jea-auth doctor` says what to do about it"));
    };
    let text = STANDARD.encode(der);
    let lines = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect::<Vec<_>>().join("\n");
    Ok(format!("-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----\n"))
}

/// Writes the files, then removes those of keys that are gone: whoever reads the folder finds a key that signs at any
/// moment, and none that was revoked afterwards.
fn write(folder: &Path, files: &[(FileRow<'_>, String)], pem: bool) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for (row, text) in files {
        let draft = folder.join(format!(".{}.new", row.file));
        fs::write(&draft, text)?;
        fs::rename(&draft, folder.join(&row.file))?;
    }
    if !pem {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let is_key = name.strip_suffix(".pem").is_some_and(|kid| KeyId::try_from(kid.to_owned()).is_ok());
        if is_key && !files.iter().any(|(row, _)| row.file == name) {
            fs::remove_file(folder.join(&name))?;
            output::note(&format!("removed {name}: its key is gone"));
        }
    }
    Ok(())
}
