namespace LoraServe.Text.Templates.Values;

/// <summary>The order of Python's values: numbers, texts by code points, and sequences item by item.</summary>
internal static class Ordering
{
    public static bool IsLess(Rendering rendering, object left, object right) => Compare(rendering, "<", left, right) < 0;

    public static bool IsGreater(Rendering rendering, object left, object right) => Compare(rendering, ">", left, right) > 0;

    public static bool IsLessOrEqual(Rendering rendering, object left, object right) => Compare(rendering, "<=", left, right) <= 0;

    public static bool IsGreaterOrEqual(Rendering rendering, object left, object right) => Compare(rendering, ">=", left, right) >= 0;

    /// <summary>Sorts in ascending order, stably.</summary>
    /// <param name="rendering">Counts the work.</param>
    /// <param name="items">The items to sort.</param>
    /// <param name="key">The sort key of an item.</param>
    /// <param name="isReversed">Whether to sort in descending order, also stably.</param>
    public static List<object> Sort(Rendering rendering, IEnumerable<object> items, Func<object, object> key, bool isReversed)
    {
        var keyed = items.Select(item => (Key: key(item), Item: item)).ToArray();
        rendering.MakeItems(3L * keyed.Length);
        MergeSort(rendering, keyed, new (object, object)[keyed.Length], isReversed);
        return [.. keyed.Select(pair => pair.Item)];
    }

    private static void MergeSort(
        Rendering rendering, Span<(object Key, object Item)> items, Span<(object Key, object Item)> buffer, bool isReversed)
    {
        if (items.Length < 2) return;
        var middle = items.Length / 2;
        MergeSort(rendering, items[..middle], buffer[..middle], isReversed);
        MergeSort(rendering, items[middle..], buffer[middle..], isReversed);
        items.CopyTo(buffer);
        var (left, right) = (0, middle);
        for (var i = 0; i < items.Length; i++)
        {
            var takesRight = left == middle
                || right < items.Length
                && (isReversed
                    ? IsLess(rendering, buffer[left].Key, buffer[right].Key)
                    : IsLess(rendering, buffer[right].Key, buffer[left].Key));
            items[i] = takesRight ? buffer[right++] : buffer[left++];
        }
    }

    // Null for unordered values, such as NaN.
    private static int? Compare(Rendering rendering, string operation, object left, object right)
    {
        rendering.Step();
        switch (left, right)
        {
            case (Undefined undefined, _):
                throw undefined.Exception();
            case (_, Undefined undefined):
                throw undefined.Exception();
            case (string one, string other):
                rendering.Read(Math.Min(one.Length, other.Length));
                return CompareTexts(one, other);
            case (ListValue, ListValue) or (TupleValue, TupleValue):
                return CompareSequences(rendering, operation, (SequenceValue)left, (SequenceValue)right);
            default:
                if (Numbers.Is(left) && Numbers.Is(right)) return Numbers.Compare(left, right);
                throw new ChatTemplateException(
                    $"'{operation}' not supported between instances of '{TypeName.Of(left)}' and '{TypeName.Of(right)}'");
        }
    }

    private static int? CompareSequences(Rendering rendering, string operation, SequenceValue left, SequenceValue right)
    {
        rendering.EnterValue();
        int? order = left.Count.CompareTo(right.Count);
        for (var i = 0; i < Math.Min(left.Count, right.Count); i++)
        {
            rendering.Step();
            if (Equality.Of(rendering, left[i], right[i])) continue;
            order = Compare(rendering, operation, left[i], right[i]);
            break;
        }

        rendering.LeaveValue();
        return order;
    }

    // By code points, surrogates sort after all 16-bit characters, also after those from U+E000 on.
    private static int CompareTexts(string left, string right)
    {
        var common = left.AsSpan().CommonPrefixLength(right);
        if (common == left.Length || common == right.Length) return left.Length.CompareTo(right.Length);
        return Rank(left[common]).CompareTo(Rank(right[common]));

        static int Rank(char character) => char.IsSurrogate(character) ? character + 0x10000 : character;
    }
}
