using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using LoraServe.Engine.Sequences;

namespace LoraServe.Engine.Scheduling;

/// <summary>
/// A full block of the KV cache whose content is known: the end of one computed prefix, in the tree of all of them. The path from the root
/// spells out every token of the prefix and the scope in which each block was computed, so that finding a block proves its content: whole keys
/// are compared, not hashes.
/// </summary>
internal sealed class CachedBlock
{
    private readonly Tree _tree;
    private readonly List<int> _tokens = [];
    private CachedBlock? _parent;
    private PrefixScope _scope;
    private int _children;

    private CachedBlock(Tree tree, PrefixScope scope, int block) => (_tree, _scope, Block) = (tree, scope, block);

    /// <summary>Its number in the KV cache.</summary>
    public int Block { get; private set; }

    /// <summary>The empty prefix, which every other continues; it has no block.</summary>
    public static CachedBlock Root() => new(new Tree(), PrefixScope.Base(""), block: -1);

    /// <summary>The block that continues this prefix by these tokens, computed under that scope; null if there is none.</summary>
    public CachedBlock? Find(PrefixScope scope, ReadOnlySpan<int> tokens) =>
        _tree.Blocks.GetAlternateLookup<Content>().TryGetValue(new Content(this, scope, tokens), out var child) ? child : null;

    /// <summary>Records that a block holds such a continuation.</summary>
    public CachedBlock Add(PrefixScope scope, ReadOnlySpan<int> tokens, int block)
    {
        if (!_tree.Removed.TryPop(out var child)) child = new CachedBlock(_tree, scope, block);
        (child._parent, child._scope, child.Block) = (this, scope, block);
        child._tokens.Clear();
        child._tokens.AddRange(tokens);
        _tree.Blocks.Add(child, child);
        _children++;
        return child;
    }

    /// <summary>Forgets the block, whose content is about to be overwritten. It may stand for another one from now on.</summary>
    /// <exception cref="InvalidOperationException">Longer prefixes continue it: they could never be found or freed again.</exception>
    public void Remove()
    {
        if (_children > 0) throw new InvalidOperationException($"KV block {Block} is handed out before those that continue it.");
        if (_parent is null || !_tree.Blocks.Remove(this)) return;
        _parent._children--;
        _parent = null;
        _tree.Removed.Push(this);
    }

    /// <summary>All blocks of a tree by what they continue, and those to be used again, so that a full cache makes no garbage.</summary>
    private sealed class Tree
    {
        public Dictionary<CachedBlock, CachedBlock> Blocks { get; } = new(ByContent.Instance);

        public Stack<CachedBlock> Removed { get; } = [];
    }

    private readonly ref struct Content(CachedBlock? parent, PrefixScope scope, ReadOnlySpan<int> tokens)
    {
        public CachedBlock? Parent { get; } = parent;

        public PrefixScope Scope { get; } = scope;

        public ReadOnlySpan<int> Tokens { get; } = tokens;
    }

    private sealed class ByContent : IEqualityComparer<CachedBlock>, IAlternateEqualityComparer<Content, CachedBlock>
    {
        public static readonly ByContent Instance = new();

        public bool Equals(CachedBlock? x, CachedBlock? y) => ReferenceEquals(x, y) || (x is not null && y is not null && Equals(ContentOf(x), y));

        public bool Equals(Content alternate, CachedBlock other) => ReferenceEquals(alternate.Parent, other._parent)
            && alternate.Tokens.SequenceEqual(CollectionsMarshal.AsSpan(other._tokens)) && alternate.Scope == other._scope;

        public int GetHashCode([DisallowNull] CachedBlock block) => GetHashCode(ContentOf(block));

        public int GetHashCode(Content alternate)
        {
            var hash = new HashCode();
            hash.Add(RuntimeHelpers.GetHashCode(alternate.Parent));
            hash.Add(alternate.Scope);
            hash.AddBytes(MemoryMarshal.AsBytes(alternate.Tokens));
            return hash.ToHashCode();
        }

        public CachedBlock Create(Content alternate) => throw new NotSupportedException("A block is added with its place, not from its content.");

        private static Content ContentOf(CachedBlock block) => new(block._parent, block._scope, CollectionsMarshal.AsSpan(block._tokens));
    }
}
