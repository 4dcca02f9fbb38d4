using System.Diagnostics.CodeAnalysis;
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
    private readonly CachedBlock? _parent;
    private readonly PrefixScope _scope;
    private readonly int[] _tokens;
    private readonly Dictionary<CachedBlock, CachedBlock> _children = new(ByContent.Instance);

    private CachedBlock(CachedBlock? parent, PrefixScope scope, int[] tokens, int block) =>
        (_parent, _scope, _tokens, Block) = (parent, scope, tokens, block);

    /// <summary>Its number in the KV cache.</summary>
    public int Block { get; }

    /// <summary>The empty prefix, which every other continues; it has no block.</summary>
    public static CachedBlock Root() => new(parent: null, new PrefixScope("", new AdapterVersionId(""), default, 0), [], block: -1);

    /// <summary>The block that continues this prefix by these tokens, computed under that scope; null if there is none.</summary>
    public CachedBlock? Find(PrefixScope scope, ReadOnlySpan<int> tokens) =>
        _children.GetAlternateLookup<Content>().TryGetValue(new Content(scope, tokens), out var child) ? child : null;

    /// <summary>Records that a block holds such a continuation.</summary>
    public CachedBlock Add(PrefixScope scope, ReadOnlySpan<int> tokens, int block)
    {
        var child = new CachedBlock(this, scope, tokens.ToArray(), block);
        _children.Add(child, child);
        return child;
    }

    /// <summary>Forgets the block, whose content is about to be overwritten.</summary>
    /// <exception cref="InvalidOperationException">Longer prefixes continue it: they could never be found or freed again.</exception>
    public void Remove()
    {
        if (_children.Count > 0) throw new InvalidOperationException($"KV block {Block} is handed out before those that continue it.");
        _parent?._children.Remove(this);
    }

    private readonly ref struct Content(PrefixScope scope, ReadOnlySpan<int> tokens)
    {
        public PrefixScope Scope { get; } = scope;

        public ReadOnlySpan<int> Tokens { get; } = tokens;
    }

    private sealed class ByContent : IEqualityComparer<CachedBlock>, IAlternateEqualityComparer<Content, CachedBlock>
    {
        public static readonly ByContent Instance = new();

        public bool Equals(CachedBlock? x, CachedBlock? y) => ReferenceEquals(x, y) || (x is not null && y is not null && Equals(ContentOf(x), y));

        public bool Equals(Content alternate, CachedBlock other) =>
            alternate.Tokens.SequenceEqual(other._tokens) && alternate.Scope == other._scope;

        public int GetHashCode([DisallowNull] CachedBlock block) => GetHashCode(ContentOf(block));

        public int GetHashCode(Content alternate)
        {
            var hash = new HashCode();
            hash.Add(alternate.Scope);
            hash.AddBytes(MemoryMarshal.AsBytes(alternate.Tokens));
            return hash.ToHashCode();
        }

        public CachedBlock Create(Content alternate) => throw new NotSupportedException("A block is added with its place, not from its content.");

        private static Content ContentOf(CachedBlock block) => new(block._scope, block._tokens);
    }
}
