//! The functions that a set of Rust files defines, each with its owner: a type, a trait or a module.

use std::collections::BTreeSet;
use std::path::Path;
use syn::{ImplItem, Item, TraitItem, Type};

/// `function` and `Owner::function` for all functions that the files define.
#[derive(Default)]
pub struct Definitions(BTreeSet<String>);

impl Definitions {
    /// Adds the definitions of a file. The file's name is the owner of its free functions.
    pub fn add(&mut self, path: &Path, source: &str) -> syn::Result<()> {
        let module = path.file_stem().map(|stem| stem.to_string_lossy()).unwrap_or_default();
        self.add_items(&module, &syn::parse_file(source)?.items);
        Ok(())
    }

    /// Whether `function()` or `Owner::function()` in a document refers to a defined function.
    pub fn has(&self, span: &str) -> bool {
        self.0.contains(span.trim_end_matches("()"))
    }

    fn add_items(&mut self, module: &str, items: &[Item]) {
        for item in items {
            match item {
                Item::Fn(function) => self.add_function(module, &function.sig),
                Item::Mod(inner) => {
                    let items = inner.content.as_ref().map(|(_, items)| items.as_slice());
                    self.add_items(&inner.ident.to_string(), items.unwrap_or_default());
                }
                Item::Impl(block) => {
                    let owner = owner(&block.self_ty);
                    for item in &block.items {
                        if let ImplItem::Fn(function) = item {
                            self.add_function(&owner, &function.sig);
                        }
                    }
                }
                Item::Trait(definition) => {
                    for item in &definition.items {
                        if let TraitItem::Fn(function) = item {
                            self.add_function(&definition.ident.to_string(), &function.sig);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn add_function(&mut self, owner: &str, signature: &syn::Signature) {
        let function = signature.ident.to_string();
        self.0.insert(format!("{owner}::{function}"));
        self.0.insert(function);
    }
}

/// The name of the type that an `impl` block is for, without its generics.
fn owner(implemented: &Type) -> String {
    match implemented {
        Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()),
        Type::Reference(reference) => Some(owner(&reference.elem)),
        _ => None,
    }
    .unwrap_or_default()
}

#[test]
fn definitions_have_functions_with_their_owners() {
    let mut definitions = Definitions::default();
    let source = "
        pub async fn serve() {}
        impl<C: Clock> Consumer<C> { async fn store_batch(&self) {} }
        pub trait Redelivery { fn defer(&self); }
        impl Redelivery for &Queues { fn defer(&self) { fn local() {} } }
        mod inner { pub fn settle() {} }
        // fn commented() {}
        const TEXT: &str = \"fn quoted() {}\";
    ";
    definitions.add(Path::new("pipeline/gateway.rs"), source).expect("the source is Rust");
    for defined in [
        "serve()",
        "gateway::serve()",
        "store_batch()",
        "Consumer::store_batch()",
        "Redelivery::defer()",
        "Queues::defer()",
        "inner::settle()",
    ] {
        assert!(definitions.has(defined), "{defined}");
    }
    for missing in ["Archiver::store_batch()", "store()", "commented()", "quoted()", "local()"] {
        assert!(!definitions.has(missing), "{missing}");
    }
    assert!(definitions.add(Path::new("broken.rs"), "fn {").is_err());
}
