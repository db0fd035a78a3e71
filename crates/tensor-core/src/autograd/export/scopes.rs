//! Which nodes of a graph lie in which scope: `encoder.0` within `encoder`.

use super::GraphNode;

/// A scope with what is in it, in the order of the nodes. The outermost has an empty name.
pub(super) struct Scope {
    /// The full name.
    pub(super) name: String,
    pub(super) content: Vec<Content>,
}

pub(super) enum Content {
    /// The node with this number.
    Node(usize),
    Scope(Scope),
}

impl Scope {
    /// The tree of all scopes.
    pub(super) fn tree(nodes: &[GraphNode]) -> Scope {
        let mut root = Scope::new("");
        for node in nodes {
            let mut scope = &mut root;
            if let Some(path) = node.scope() {
                let ends = path.match_indices('.').map(|(end, _)| end).chain([path.len()]);
                for end in ends {
                    scope = scope.part(&path[..end]);
                }
            }
            scope.content.push(Content::Node(node.id));
        }
        root
    }

    fn new(name: &str) -> Scope {
        Scope {
            name: name.to_owned(),
            content: Vec::new(),
        }
    }

    /// The scope of this full name directly inside.
    fn part(&mut self, name: &str) -> &mut Scope {
        let is_it = |content: &Content| matches!(content, Content::Scope(scope) if scope.name == name);
        let place = self.content.iter().position(is_it).unwrap_or_else(|| {
            self.content.push(Content::Scope(Scope::new(name)));
            self.content.len() - 1
        });
        match &mut self.content[place] {
            Content::Scope(scope) => scope,
            Content::Node(_) => unreachable!("the place is that of a scope"),
        }
    }
}
