using System.Numerics;
using System.Runtime.CompilerServices;

namespace LoraServe.Text.Templates.Values;

/// <summary>Python's equality: numbers by value across types, containers by content.</summary>
internal static class Equality
{
    private const double TwoTo63 = 9223372036854775808.0;

    public static bool Of(Rendering rendering, object left, object right)
    {
        switch (left, right)
        {
            case (string one, string other):
                rendering.Read(Math.Min(one.Length, other.Length));
                return one == other;
            case (ListValue, ListValue) or (TupleValue, TupleValue) or (RangeValue, RangeValue):
                return OfSequences(rendering, (SequenceValue)left, (SequenceValue)right);
            case (DictValue one, DictValue other):
                return OfDicts(rendering, one, other);
            case (DictView { Shows: not DictView.Part.Values } one, DictView { Shows: not DictView.Part.Values } other):
                return one.Dict.Count == other.Dict.Count && one.Values.All(value => Membership.Contains(rendering, value, other));
            default:
                return OfKeys(left, right);
        }
    }

    /// <summary>Equality of hashable values: simple values and tuples of them.</summary>
    public static bool OfKeys(object left, object right)
    {
        if (left is TupleValue one && right is TupleValue other)
        {
            if (one.Count != other.Count) return false;
            for (var i = 0; i < one.Count; i++)
                if (!ReferenceEquals(one[i], other[i]) && !OfKeys(one[i], other[i])) return false;
            return true;
        }

        if (left is Undefined && right is Undefined) return true;
        return Numbers.Is(left) && Numbers.Is(right) ? Numbers.Compare(left, right) == 0 : left.Equals(right);
    }

    /// <summary>A hash that resists collisions by adversarial keys.</summary>
    public static int Hash(object key) => key switch
    {
        TupleValue tuple => Enumerable.Range(0, tuple.Count).Aggregate(17, (hash, i) => HashCode.Combine(hash, Hash(tuple[i]))),
        bool flag => HashOfBits(flag ? 1 : 0),
        long number => HashOfBits(number),
        double number when Math.Floor(number) == number && number is >= -TwoTo63 and < TwoTo63 => HashOfBits((long)number),
        double number when double.IsNaN(number) => RuntimeHelpers.GetHashCode(key),
        double number => HashOfBits(BitConverter.DoubleToInt64Bits(number)),
        BigInteger number => Hash(number),
        Undefined => 1,
        _ => key.GetHashCode(),
    };

    // Equals the hash of a float of the same value, if there is one.
    private static int Hash(BigInteger number)
    {
        var nearest = (double)number;
        return double.IsFinite(nearest) && new BigInteger(nearest) == number ? Hash(nearest) : number.GetHashCode();
    }

    // Hashes the halves separately: .NET's hash of a long is their XOR, which is easy to collide.
    private static int HashOfBits(long bits) => HashCode.Combine((int)bits, (int)(bits >> 32));

    /// <summary>Checks that the value can be a dictionary key; counts the steps of hashing it.</summary>
    public static object Key(Rendering rendering, object value)
    {
        switch (value)
        {
            case ListValue or DictValue or DictView { Shows: not DictView.Part.Values } or SliceValue or NamespaceValue:
                throw new ChatTemplateException($"unhashable type: '{TypeName.Of(value)}'");
            case string text:
                rendering.Read(text.Length);
                break;
            case BigInteger number:
                rendering.Read(number.GetByteCount());
                break;
            case TupleValue tuple:
                rendering.EnterValue();
                rendering.Steps(tuple.Count);
                for (var i = 0; i < tuple.Count; i++) Key(rendering, tuple[i]);
                rendering.LeaveValue();
                break;
        }

        return value;
    }

    private static bool OfSequences(Rendering rendering, SequenceValue left, SequenceValue right)
    {
        if (left.Count != right.Count) return false;
        if (ReferenceEquals(left, right)) return true;
        rendering.EnterValue();
        var areEqual = true;
        for (var i = 0; areEqual && i < left.Count; i++)
        {
            rendering.Step();
            areEqual = Of(rendering, left[i], right[i]);
        }

        rendering.LeaveValue();
        return areEqual;
    }

    private static bool OfDicts(Rendering rendering, DictValue left, DictValue right)
    {
        if (left.Count != right.Count) return false;
        if (ReferenceEquals(left, right)) return true;
        rendering.EnterValue();
        var areEqual = true;
        foreach (var (key, value) in left.Items)
        {
            rendering.Step();
            areEqual = right.Find(key) is { } other && Of(rendering, value, other);
            if (!areEqual) break;
        }

        rendering.LeaveValue();
        return areEqual;
    }
}
