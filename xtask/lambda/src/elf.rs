//! The requirements of a program on the system that runs it, according to its own headers.

use crate::Architecture;
use anyhow::{Context, Result};
use object::{
    Endianness, elf,
    read::elf::{ElfFile64, FileHeader as _, SectionHeader as _},
};
use std::fmt;
use std::str::FromStr;

/// A version of glibc.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(&format!("GLIBC_{text}"))
            .ok_or_else(|| format!("\"{text}\" is not a version; write it like 2.34"))
    }
}

/// The requirements that were read.
pub struct Needs {
    /// The processor, if it is one that Lambda has.
    pub architecture: Option<Architecture>,
    /// Each glibc version that symbols are required from, with the library that must provide them.
    pub versions: Vec<(String, Version)>,
}

/// Reads a program's headers. A program without imported symbols is linked statically and has no requirements.
pub fn read(program: &[u8]) -> Result<Needs> {
    let file = ElfFile64::<Endianness>::parse(program).context("it is not a 64-bit ELF file")?;
    let endian = file.endian();
    let architecture = match file.elf_header().e_machine(endian) {
        elf::EM_AARCH64 => Some(Architecture::Arm64),
        elf::EM_X86_64 => Some(Architecture::X86_64),
        _ => None,
    };
    let sections = file.elf_section_table();
    let mut versions = Vec::new();
    for section in sections.iter() {
        let Some((mut libraries, names)) = section.gnu_verneed(endian, program)? else { continue };
        let strings = sections.strings(endian, program, names)?;
        let text = |offset| -> Result<String> {
            let bytes = strings.get(offset).ok().context("a name is outside the file")?;
            Ok(String::from_utf8_lossy(bytes).into_owned())
        };
        while let Some((library, mut needed)) = libraries.next()? {
            let library = text(library.vn_file.get(endian))?;
            while let Some(version) = needed.next()? {
                if let Some(version) = parse(&text(version.vna_name.get(endian))?) {
                    versions.push((library.clone(), version));
                }
            }
        }
    }
    Ok(Needs { architecture, versions })
}

/// Parses `GLIBC_2.34`, or `GLIBC_2.2.5`, whose last part is ignored here. Versions of other libraries are not glibc's.
fn parse(name: &str) -> Option<Version> {
    let mut parts = name.strip_prefix("GLIBC_")?.split('.');
    Some(Version(parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// The smallest file that requires one symbol version of one library.
#[cfg(test)]
pub fn fake(machine: elf::Machine, library: &str, version: &str) -> Vec<u8> {
    let strings = format!("\0.shstrtab\0.strings\0.verneed\0{library}\0{version}\0");
    let at = |text: &str| u32::try_from(strings.find(text).unwrap()).unwrap();
    let mut verneed = Vec::new();
    // Elf64_Verneed: version, count, file, offset of the first entry, offset of the next library.
    verneed.extend([1_u16, 1].iter().flat_map(|number| number.to_le_bytes()));
    verneed.extend([at(library), 16, 0].iter().flat_map(|number| number.to_le_bytes()));
    // Elf64_Vernaux: hash, flags, other, name, offset of the next entry.
    verneed.extend(0_u32.to_le_bytes());
    verneed.extend([0_u16, 2].iter().flat_map(|number| number.to_le_bytes()));
    verneed.extend([at(version), 0].iter().flat_map(|number| number.to_le_bytes()));

    let strings_at = 64_u64;
    let verneed_at = strings_at + (strings.len() as u64).next_multiple_of(8);
    let sections_at = verneed_at + verneed.len() as u64;
    let mut file = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    file.extend([3_u16, machine.0].iter().flat_map(|number| number.to_le_bytes()));
    file.extend(1_u32.to_le_bytes());
    file.extend([0, 0, sections_at].iter().flat_map(|number| number.to_le_bytes()));
    file.extend(0_u32.to_le_bytes());
    file.extend([64_u16, 56, 0, 64, 3, 1].iter().flat_map(|number| number.to_le_bytes()));
    file.extend(strings.as_bytes());
    file.resize(usize::try_from(verneed_at).unwrap(), 0);
    file.extend(&verneed);
    let mut section = |name: u32, kind: elf::SectionType, from: u64, size: usize, link: u32, info: u32| {
        file.extend([name, kind.0].iter().flat_map(|number| number.to_le_bytes()));
        file.extend([0, 0, from, size as u64].iter().flat_map(|number| number.to_le_bytes()));
        file.extend([link, info].iter().flat_map(|number| number.to_le_bytes()));
        file.extend([1_u64, 0].iter().flat_map(|number| number.to_le_bytes()));
    };
    section(0, elf::SHT_NULL, 0, 0, 0, 0);
    section(at(".strings"), elf::SHT_STRTAB, strings_at, strings.len(), 0, 0);
    section(at(".verneed"), elf::SHT_GNU_VERNEED, verneed_at, verneed.len(), 1, 1);
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_parsed_for_glibc_only() {
        assert_eq!(parse("GLIBC_2.2.5"), Some(Version(2, 2)));
        assert!(parse("GLIBC_2.4") < parse("GLIBC_2.34"));
        assert_eq!((parse("GCC_3.0"), parse("GLIBC_PRIVATE")), (None, None));
    }

    #[test]
    fn a_file_s_headers_are_read() {
        let needs = read(&fake(elf::EM_X86_64, "libm.so.6", "GLIBC_2.29")).unwrap();
        assert_eq!(needs.architecture, Some(Architecture::X86_64));
        assert_eq!(needs.versions, [("libm.so.6".to_owned(), Version(2, 29))]);
        assert_eq!(read(&fake(elf::EM_RISCV, "libc.so.6", "GCC_3.0")).unwrap().architecture, None);
    }

    #[test]
    #[cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
    fn this_program_requires_a_glibc() {
        let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let needs = read(&program).unwrap();
        assert!(needs.versions.iter().any(|(library, _)| library.starts_with("libc.so")));
    }
}
