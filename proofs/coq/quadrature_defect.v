(** * The defect of a quadrature on a Lipschitz slope

    Statement.   κ = ∫₀^M |B(s) − min(s, c)| ds, B(s) = Σ_{c_j ≤ s} a_j, M = max(c, all c_j). For a curve w whose
                 slope g is L-Lipschitz up to hM: ‖h Σ a_j g(c_j h) − (w(ch) − w(0))‖ ≤ L h² κ. The nodes may come in
                 any order, lie beyond c and be equal; the entries may have any sign.
    Assumptions. any normed space; no integral of vectors: w is a curve with derivative g; Σ a_j = c; 0 ≤ c_j; h ≥ 0
    Source.      theory, section 8
    Verdict.     proved as stated
    Theorems.    quadrature_defect, defect_area_is_an_integral, quadrature_constant_twin *)

From Coq Require Import Reals Lra Psatz QArith Qreals List Permutation.
From NatrobProofs Require Import normed_space mean_value butcher_tableau.
Import ListNotations.
Open Scope R_scope.
Open Scope vector_scope.

(** ** The area, piece by piece *)

(** z|z|/2, whose slope is |z| *)
Definition signed_half_square (z : R) : R := z * Rabs z / 2.

(** ∫_p^q |B − min(s, c)| ds *)
Definition piece_area (c p q B : R) : R :=
  signed_half_square (Rmin q c - B) - signed_half_square (Rmin p c - B) + Rabs (B - c) * (Rmax q c - Rmax p c).

(** The area from p on, where the level is B there and rises by a at the nodes that follow, in their order. *)
Fixpoint area_from (c p B : R) (jumps : list (R * R)) : R :=
  match jumps with
  | [] => piece_area c p (Rmax p c) B
  | (q, a) :: rest => piece_area c p q B + area_from c q (B + a) rest
  end.

(** The nodes do not fall, from p on. *)
Fixpoint ascending_from (p : R) (jumps : list (R * R)) : Prop :=
  match jumps with
  | [] => True
  | (q, _) :: rest => p <= q /\ ascending_from q rest
  end.

(** Σ a_j *)
Fixpoint height (jumps : list (R * R)) : R :=
  match jumps with
  | [] => 0
  | (_, a) :: rest => a + height rest
  end.

(** [piece_area] is the integral: its slope in q is the integrand, where that is continuous. *)
Lemma signed_half_square_has_slope : forall z, derivable_pt_lim signed_half_square z (Rabs z).
Proof.
  intros z epsilon positive. exists (mkposreal epsilon positive). simpl. intros h nonzero small.
  unfold signed_half_square.
  assert (0 < Rabs h) as size by (apply Rabs_pos_lt; assumption).
  replace (((z + h) * Rabs (z + h) / 2 - z * Rabs z / 2) / h - Rabs z)
    with (((z + h) * Rabs (z + h) - z * Rabs z - 2 * h * Rabs z) / (2 * h)) by (field; assumption).
  unfold Rdiv. rewrite Rabs_mult, Rabs_inv, Rabs_mult, (Rabs_right 2) by lra.
  apply Rle_lt_trans with (Rabs h * Rabs h * / (2 * Rabs h)).
  - apply Rmult_le_compat_r; [apply Rlt_le, Rinv_0_lt_compat; lra|].
    unfold Rabs; destruct (Rcase_abs z), (Rcase_abs (z + h)), (Rcase_abs h);
      match goal with |- context [Rcase_abs ?e] => destruct (Rcase_abs e) end; nra.
  - replace (Rabs h * Rabs h * / (2 * Rabs h)) with (Rabs h / 2) by (field; lra). lra.
Qed.

Theorem defect_area_is_an_integral : forall c p B q,
  (q < c -> derivable_pt_lim (fun s => piece_area c p s B) q (Rabs (B - Rmin q c))) /\
  (c < q -> derivable_pt_lim (fun s => piece_area c p s B) q (Rabs (B - Rmin q c))) /\
  piece_area c p p B = 0.
Proof.
  intros c p B q. split; [|split].
  - intros below epsilon positive. rewrite Rmin_left, Rabs_minus_sym by lra.
    destruct (signed_half_square_has_slope (q - B) epsilon positive) as [delta near].
    exists (mkposreal _ (Rmin_pos _ _ (cond_pos delta) (Rlt_Rminus _ _ below))). simpl. intros h nonzero small.
    pose proof (Rlt_le_trans _ _ _ small (Rmin_l _ _)) as first.
    pose proof (Rlt_le_trans _ _ _ small (Rmin_r _ _)) as second.
    pose proof (Rle_abs h). unfold piece_area.
    rewrite (Rmin_left (q + h)), (Rmin_left q), (Rmax_right (q + h)), (Rmax_right q) by lra.
    specialize (near h nonzero first).
    match goal with |- Rabs (?l / h - _) < _ => replace l with
      (signed_half_square (q - B + h) - signed_half_square (q - B)) end; [exact near|].
    replace (q + h - B) with (q - B + h) by ring. ring.
  - intros beyond epsilon positive. rewrite Rmin_right by lra.
    exists (mkposreal _ (Rlt_Rminus _ _ beyond)). simpl. intros h nonzero small.
    pose proof (Rle_abs (- h)) as back. rewrite Rabs_Ropp in back. unfold piece_area.
    rewrite (Rmin_right (q + h)), (Rmin_right q), (Rmax_left (q + h)), (Rmax_left q) by lra.
    match goal with |- Rabs ?l < _ => replace l with 0 by (field; assumption) end. rewrite Rabs_R0. assumption.
  - unfold piece_area. ring.
Qed.

(** ** The defect *)

Section Defect.

Variable V : NormedSpace.
Variable w g : R -> V.
Variable h L reach : R.
Hypothesis forward : 0 <= h.
Hypothesis nonnegative : 0 <= L.
Hypothesis derivative : forall s, 0 <= s <= h * reach -> has_derivative V w s (g s).
Hypothesis slope : lipschitz_slope V g L 0 (h * reach).

(** Σ a_j g(c_j h) *)
Fixpoint weighted (jumps : list (R * R)) : V :=
  match jumps with
  | [] => zero
  | (q, a) :: rest => a • g (h * q) ⊕ weighted rest
  end.

Lemma on_part : forall p q, 0 <= p -> q <= reach ->
  (forall s, h * p <= s <= h * q -> has_derivative V w s (g s)) /\ lipschitz_slope V g L (h * p) (h * q).
Proof.
  intros p q start stop. pose proof (Rmult_le_pos _ _ forward start).
  pose proof (Rmult_le_compat_l _ _ _ forward stop). split.
  - intros s inside. apply derivative. lra.
  - intros r s from order to. apply slope; lra.
Qed.

Lemma slope_between : forall p q, 0 <= p -> p <= q -> q <= reach -> ‖g (h * q) ⊖ g (h * p)‖ <= L * h * (q - p).
Proof.
  intros p q start order stop. pose proof (Rmult_le_pos _ _ forward start).
  pose proof (Rmult_le_compat_l _ _ _ forward stop). pose proof (Rmult_le_compat_l _ _ _ forward order).
  replace (L * h * (q - p)) with (L * (h * q - h * p)) by ring. apply slope; lra.
Qed.

(** Level at or above the line s: −∫ (B − s) dg over [p, q], seen from p. *)
Lemma above_the_line : forall p q B, 0 <= p -> p <= q -> q <= reach -> q <= B ->
  ‖(h * (B - p)) • g (h * p) ⊖ (h * (B - q)) • g (h * q) ⊖ (w (h * q) ⊖ w (h * p))‖
    <= L * h ^ 2 * ((B - q) * (q - p) + (q - p) ^ 2 / 2).
Proof.
  intros p q B start order stop level. destruct (on_part p q start stop) as [curve lipschitz].
  pose proof (rectangle_from_the_left V w g L (h * p) (h * q) (Rmult_le_compat_l _ _ _ forward order) curve lipschitz)
    as rectangle.
  pose proof (slope_between p q start order stop) as change.
  set (gp := g (h * p)) in *. set (gq := g (h * q)) in *. set (move := w (h * q) ⊖ w (h * p)) in *.
  replace ((h * (B - p)) • gp ⊖ (h * (B - q)) • gq ⊖ move)
    with (opposite ((h * (B - q)) • (gq ⊖ gp) ⊕ (move ⊖ (h * q - h * p) • gp))) by vector.
  rewrite norm_opposite. apply Rle_trans with (1 := norm_triangle _ _ _).
  rewrite norm_scale, Rabs_right by (apply Rle_ge, Rmult_le_pos; lra).
  pose proof (Rmult_le_compat_l (h * (B - q)) _ _ ltac:(apply Rmult_le_pos; lra) change). lra.
Qed.

(** Level at or below the line, seen from q. *)
Lemma below_the_line : forall p q B, 0 <= p -> p <= q -> q <= reach -> B <= p ->
  ‖(h * (B - p)) • g (h * p) ⊖ (h * (B - q)) • g (h * q) ⊖ (w (h * q) ⊖ w (h * p))‖
    <= L * h ^ 2 * ((p - B) * (q - p) + (q - p) ^ 2 / 2).
Proof.
  intros p q B start order stop level. destruct (on_part p q start stop) as [curve lipschitz].
  pose proof (rectangle_from_the_right V w g L (h * p) (h * q) (Rmult_le_compat_l _ _ _ forward order) curve lipschitz)
    as rectangle.
  pose proof (slope_between p q start order stop) as change.
  set (gp := g (h * p)) in *. set (gq := g (h * q)) in *. set (move := w (h * q) ⊖ w (h * p)) in *.
  replace ((h * (B - p)) • gp ⊖ (h * (B - q)) • gq ⊖ move)
    with ((h * (p - B)) • (gq ⊖ gp) ⊖ (move ⊖ (h * q - h * p) • gq)) by vector.
  apply Rle_trans with (1 := norm_triangle _ _ _). rewrite norm_opposite.
  rewrite norm_scale, Rabs_right by (apply Rle_ge, Rmult_le_pos; lra).
  pose proof (Rmult_le_compat_l (h * (p - B)) _ _ ltac:(apply Rmult_le_pos; lra) change). lra.
Qed.

(** Up to c: both, where the line crosses the level. *)
Lemma sloped_piece : forall p q B, 0 <= p -> p <= q -> q <= reach ->
  ‖(h * (B - p)) • g (h * p) ⊖ (h * (B - q)) • g (h * q) ⊖ (w (h * q) ⊖ w (h * p))‖
    <= L * h ^ 2 * (signed_half_square (q - B) - signed_half_square (p - B)).
Proof.
  intros p q B start order stop. unfold signed_half_square.
  destruct (Rle_dec q B) as [above|not_above]; [|destruct (Rle_dec B p) as [below|not_below]].
  - apply Rle_trans with (1 := above_the_line p q B start order stop above).
    rewrite (Rabs_left1 (q - B)), (Rabs_left1 (p - B)) by lra. right. field.
  - apply Rle_trans with (1 := below_the_line p q B start order stop below).
    rewrite (Rabs_right (q - B)), (Rabs_right (p - B)) by lra. right. field.
  - rewrite (Rabs_right (q - B)), (Rabs_left1 (p - B)) by lra.
    pose proof (above_the_line p B B start ltac:(lra) ltac:(lra) ltac:(lra)) as first.
    pose proof (below_the_line B q B ltac:(lra) ltac:(lra) stop ltac:(lra)) as second.
    match goal with |- ‖?whole‖ <= _ => replace whole with
      (((h * (B - p)) • g (h * p) ⊖ (h * (B - B)) • g (h * B) ⊖ (w (h * B) ⊖ w (h * p))) ⊕
       ((h * (B - B)) • g (h * B) ⊖ (h * (B - q)) • g (h * q) ⊖ (w (h * q) ⊖ w (h * B)))) end.
    + apply Rle_trans with (1 := norm_triangle _ _ _). lra.
    + set (gp := g (h * p)). set (gq := g (h * q)). set (gB := g (h * B)).
      set (wp := w (h * p)). set (wq := w (h * q)). set (wB := w (h * B)). vector.
Qed.

(** Beyond c: −∫ (B − c) dg *)
Lemma flat_piece : forall c p q B, 0 <= p -> p <= q -> q <= reach ->
  ‖(h * (B - c)) • g (h * p) ⊖ (h * (B - c)) • g (h * q)‖ <= L * h ^ 2 * (Rabs (B - c) * (q - p)).
Proof.
  intros c p q B start order stop. pose proof (slope_between p q start order stop) as change.
  set (gp := g (h * p)) in *. set (gq := g (h * q)) in *.
  replace ((h * (B - c)) • gp ⊖ (h * (B - c)) • gq) with (opposite ((h * (B - c)) • (gq ⊖ gp))) by vector.
  rewrite norm_opposite, norm_scale, Rabs_mult, (Rabs_right h) by lra.
  pose proof (Rmult_le_compat_l (h * Rabs (B - c)) _ _ ltac:(apply Rmult_le_pos; [lra|apply Rabs_pos]) change). lra.
Qed.

Lemma whole_piece : forall c p q B, 0 <= c -> 0 <= p -> p <= q -> q <= reach -> c <= reach ->
  ‖(h * (B - Rmin p c)) • g (h * p) ⊖ (h * (B - Rmin q c)) • g (h * q)
     ⊖ (w (h * Rmin q c) ⊖ w (h * Rmin p c))‖ <= L * h ^ 2 * piece_area c p q B.
Proof.
  intros c p q B target start order stop within. unfold piece_area.
  destruct (Rle_dec q c) as [before|not_before]; [|destruct (Rle_dec c p) as [after|not_after]].
  - rewrite !Rmin_left, !Rmax_right by lra. replace (c - c) with 0 by ring. rewrite Rmult_0_r, Rplus_0_r.
    apply sloped_piece; lra.
  - rewrite !Rmin_right, !Rmax_left by lra.
    set (wc := w (h * c)). replace (signed_half_square (c - B) - signed_half_square (c - B)) with 0 by ring.
    rewrite Rplus_0_l. apply Rle_trans with (2 := flat_piece c p q B start order stop). right. f_equal.
    set (gp := g (h * p)). set (gq := g (h * q)). vector.
  - rewrite (Rmin_left p), (Rmin_right q), (Rmax_left q), (Rmax_right p) by lra.
    pose proof (sloped_piece p c B start ltac:(lra) within) as first.
    pose proof (flat_piece c c q B target ltac:(lra) stop) as second.
    match goal with |- ‖?whole‖ <= _ => replace whole with
      (((h * (B - p)) • g (h * p) ⊖ (h * (B - c)) • g (h * c) ⊖ (w (h * c) ⊖ w (h * p))) ⊕
       ((h * (B - c)) • g (h * c) ⊖ (h * (B - c)) • g (h * q))) end.
    + apply Rle_trans with (1 := norm_triangle _ _ _). lra.
    + set (gp := g (h * p)). set (gq := g (h * q)). set (gc := g (h * c)). set (move := w (h * c) ⊖ w (h * p)). vector.
Qed.

(** What is left from p on: level times slope there, jumps to come, and the curve's way to c. *)
Lemma defect_from : forall c, 0 <= c -> c <= reach -> forall jumps p B,
  0 <= p -> p <= reach -> ascending_from p jumps -> Forall (fun jump => fst jump <= reach) jumps ->
  B + height jumps = c ->
  ‖h • weighted jumps ⊕ (h * (B - Rmin p c)) • g (h * p) ⊖ (w (h * c) ⊖ w (h * Rmin p c))‖
    <= L * h ^ 2 * area_from c p B jumps.
Proof.
  intros c target within. induction jumps as [|[q a] rest step]; intros p B start stop order ends level; simpl in *.
  - assert (B = c) as reached by lra. subst B.
    pose proof (Rmax_l p c). assert (Rmax p c <= reach) by (apply Rmax_lub; assumption).
    pose proof (whole_piece c p (Rmax p c) c target start ltac:(lra) ltac:(lra) within) as piece.
    rewrite (Rmin_right (Rmax p c)) in piece by apply Rmax_r. apply Rle_trans with (2 := piece). right. f_equal.
    set (gp := g (h * p)). set (gm := g (h * Rmax p c)). set (wc := w (h * c)). set (wp := w (h * Rmin p c)). vector.
  - destruct order as [order later]. pose proof (Forall_inv ends) as end_q.
    pose proof (Forall_inv_tail ends) as ends_later. simpl in end_q.
    pose proof (step q (B + a) ltac:(lra) end_q later ends_later ltac:(lra)) as tail.
    pose proof (whole_piece c p q B target start order end_q within) as piece.
    match goal with |- ‖?whole‖ <= _ => replace whole with
      ((h • weighted rest ⊕ (h * (B + a - Rmin q c)) • g (h * q) ⊖ (w (h * c) ⊖ w (h * Rmin q c))) ⊕
       ((h * (B - Rmin p c)) • g (h * p) ⊖ (h * (B - Rmin q c)) • g (h * q)
         ⊖ (w (h * Rmin q c) ⊖ w (h * Rmin p c)))) end.
    + apply Rle_trans with (1 := norm_triangle _ _ _). lra.
    + set (gp := g (h * p)). set (gq := g (h * q)). set (sum := weighted rest).
      set (wc := w (h * c)). set (wp := w (h * Rmin p c)). set (wq := w (h * Rmin q c)). vector.
Qed.

Lemma sorted_defect : forall c jumps, 0 <= c -> c <= reach -> ascending_from 0 jumps ->
  Forall (fun jump => fst jump <= reach) jumps -> height jumps = c ->
  ‖h • weighted jumps ⊖ (w (h * c) ⊖ w 0)‖ <= L * h ^ 2 * area_from c 0 0 jumps.
Proof.
  intros c jumps target within order ends level.
  pose proof (defect_from c target within jumps 0 0 ltac:(lra) ltac:(lra) order ends ltac:(lra)) as defect.
  rewrite (Rmin_left 0 c), Rmult_0_r in defect by lra. apply Rle_trans with (2 := defect). right. f_equal.
  set (sum := weighted jumps). set (wc := w (h * c)). set (g0 := g 0). set (w0 := w 0).
  vector.
Qed.

Lemma weighted_permuted : forall one other, Permutation one other -> weighted one = weighted other.
Proof.
  intros one other same. induction same as [|[q a] one other _ step|[q a] [r b] rest|? ? ? _ first _ second]; simpl.
  - reflexivity.
  - rewrite step. reflexivity.
  - set (u := weighted rest). set (gq := g (h * q)). set (gr := g (h * r)). vector.
  - rewrite first. exact second.
Qed.

End Defect.

(** ** The nodes of a row, in their order

    An insertion sort over the rational numbers, and the same list in the real numbers. *)

Definition real_jumps (jumps : list (Q * Q)) : list (R * R) := map (fun jump => (Q2R (fst jump), Q2R (snd jump))) jumps.

Fixpoint insert_jump (new : Q * Q) (jumps : list (Q * Q)) : list (Q * Q) :=
  match jumps with
  | [] => [new]
  | first :: rest => if Qle_bool (fst new) (fst first) then new :: jumps else first :: insert_jump new rest
  end.

Fixpoint by_node (jumps : list (Q * Q)) : list (Q * Q) :=
  match jumps with
  | [] => []
  | first :: rest => insert_jump first (by_node rest)
  end.

Lemma insert_is_permutation : forall new jumps, Permutation (new :: jumps) (insert_jump new jumps).
Proof.
  intros new jumps. induction jumps as [|first rest step]; simpl; [reflexivity|].
  destruct (Qle_bool (fst new) (fst first)); [reflexivity|].
  apply perm_trans with (first :: new :: rest); [apply perm_swap|]. apply perm_skip. exact step.
Qed.

Lemma by_node_is_permutation : forall jumps, Permutation jumps (by_node jumps).
Proof.
  intro jumps. induction jumps as [|first rest step]; simpl; [reflexivity|].
  apply perm_trans with (first :: by_node rest); [apply perm_skip; exact step|]. apply insert_is_permutation.
Qed.

Lemma insert_ascends : forall new jumps p, (p <= Q2R (fst new))%R -> ascending_from p (real_jumps jumps) ->
  ascending_from p (real_jumps (insert_jump new jumps)).
Proof.
  intros new jumps. induction jumps as [|first rest step]; intros p order ascends; simpl in *; [split; auto|].
  destruct ascends as [head tail]. destruct (Qle_bool (fst new) (fst first)) eqn:least; simpl.
  - apply Qle_bool_iff in least. apply Qle_Rle in least. auto.
  - split; [assumption|]. apply step; [|assumption]. apply Qle_Rle. apply Qlt_le_weak. apply Qnot_le_lt.
    intro less. apply Qle_bool_iff in less. congruence.
Qed.

Lemma by_node_ascends : forall jumps, Forall (fun jump => (0 <= Q2R (fst jump))%R) jumps ->
  ascending_from 0 (real_jumps (by_node jumps)).
Proof.
  intros jumps positive. induction positive as [|first rest at_first _ step]; simpl; [exact I|].
  apply insert_ascends; assumption.
Qed.

Lemma height_permuted : forall one other, Permutation one other -> height one = height other.
Proof.
  intros one other same. induction same as [|[q a] one other _ step|[q a] [r b] rest|? ? ? _ first _ second]; simpl;
    lra.
Qed.

Lemma real_jumps_permuted : forall one other, Permutation one other -> Permutation (real_jumps one) (real_jumps other).
Proof.
  intros one other. apply Permutation_map.
Qed.

(** κ of a row with the entries a_j at the nodes c_j and the target c. *)
Definition quadrature_constant (nodes row : list Q) (c : Q) : R :=
  area_from (Q2R c) 0 0 (real_jumps (by_node (combine nodes row))).

Theorem quadrature_defect : forall (V : NormedSpace) (w g : R -> V) (h L reach : R) (nodes row : list Q) (c : Q),
  0 <= h -> 0 <= L ->
  (forall s, 0 <= s <= h * reach -> has_derivative V w s (g s)) -> lipschitz_slope V g L 0 (h * reach) ->
  Forall (fun node => 0 <= Q2R node <= reach) nodes -> 0 <= Q2R c <= reach ->
  height (real_jumps (combine nodes row)) = Q2R c ->
  ‖h • combined V row (map (fun node => g (h * Q2R node)) nodes) ⊖ (w (h * Q2R c) ⊖ w 0)‖
    <= L * h ^ 2 * quadrature_constant nodes row c.
Proof.
  intros V w g h L reach nodes row c forward nonnegative derivative slope on_nodes [target within] total_is.
  pose proof (by_node_is_permutation (combine nodes row)) as sorted.
  pose proof (real_jumps_permuted _ _ sorted) as same.
  assert (combined V row (map (fun node => g (h * Q2R node)) nodes)
    = weighted V g h (real_jumps (combine nodes row))) as as_jumps.
  { clear. revert row. induction nodes as [|node rest step]; intros [|a row]; simpl; try reflexivity.
    rewrite step. reflexivity. }
  rewrite as_jumps, (weighted_permuted V g h _ _ same). rewrite (height_permuted _ _ same) in total_is.
  assert (Forall (fun jump => 0 <= Q2R (fst jump) <= reach) (combine nodes row)) as on_jumps.
  { clear - on_nodes. revert row. induction on_nodes as [|node rest at_node _ step]; intros [|a row]; simpl; auto. }
  apply (sorted_defect V w g h L reach); try assumption.
  - apply by_node_ascends. revert on_jumps. apply Forall_impl. tauto.
  - apply Forall_forall. intros jump member. apply in_map_iff in member. destruct member as [original [image origin]].
    subst jump. simpl. apply (Permutation_in _ (Permutation_sym sorted)) in origin.
    apply (proj1 (Forall_forall _ _) on_jumps) in origin. apply origin.
Qed.

(** ** The constant over the rational numbers, where it computes *)

Definition signed_half_square_Q (z : Q) : Q := (z * Qabs.Qabs z / 2)%Q.

Definition minimum_Q (a b : Q) : Q := if Qle_bool a b then a else b.

Definition maximum_Q (a b : Q) : Q := if Qle_bool a b then b else a.

Definition piece_area_Q (c p q B : Q) : Q :=
  (signed_half_square_Q (minimum_Q q c - B) - signed_half_square_Q (minimum_Q p c - B)
    + Qabs.Qabs (B - c) * (maximum_Q q c - maximum_Q p c))%Q.

Fixpoint area_from_Q (c p B : Q) (jumps : list (Q * Q)) : Q :=
  match jumps with
  | [] => piece_area_Q c p (maximum_Q p c) B
  | (q, a) :: rest => (piece_area_Q c p q B + area_from_Q c q (Qred (B + a)) rest)%Q
  end.

Definition quadrature_constant_Q (nodes row : list Q) (c : Q) : Q :=
  Qred (area_from_Q c 0 0 (by_node (combine nodes row))).

Lemma Q2R_minimum : forall a b, Q2R (minimum_Q a b) = Rmin (Q2R a) (Q2R b).
Proof.
  intros a b. unfold minimum_Q. destruct (Qle_bool a b) eqn:order.
  - apply Qle_bool_iff in order. apply Qle_Rle in order. rewrite Rmin_left by assumption. reflexivity.
  - rewrite Rmin_right; [reflexivity|]. apply Qle_Rle, Qlt_le_weak, Qnot_le_lt. intro less.
    apply Qle_bool_iff in less. congruence.
Qed.

Lemma Q2R_maximum : forall a b, Q2R (maximum_Q a b) = Rmax (Q2R a) (Q2R b).
Proof.
  intros a b. unfold maximum_Q. destruct (Qle_bool a b) eqn:order.
  - apply Qle_bool_iff in order. apply Qle_Rle in order. rewrite Rmax_right by assumption. reflexivity.
  - rewrite Rmax_left; [reflexivity|]. apply Qle_Rle, Qlt_le_weak, Qnot_le_lt. intro less.
    apply Qle_bool_iff in less. congruence.
Qed.

Lemma Q2R_half_square : forall z, Q2R (signed_half_square_Q z) = signed_half_square (Q2R z).
Proof.
  intro z. unfold signed_half_square_Q, signed_half_square.
  rewrite Q2R_div by discriminate. rewrite Q2R_mult, Q2R_absolute. unfold magnitude.
  replace (Q2R 2) with 2 by (unfold Q2R; simpl; lra). reflexivity.
Qed.

Lemma Q2R_piece_area : forall c p q B, Q2R (piece_area_Q c p q B) = piece_area (Q2R c) (Q2R p) (Q2R q) (Q2R B).
Proof.
  intros c p q B. unfold piece_area_Q, piece_area.
  rewrite Q2R_plus, Q2R_minus, Q2R_mult, !Q2R_half_square, !Q2R_minus, Q2R_absolute, !Q2R_minimum, !Q2R_maximum.
  unfold magnitude. rewrite Q2R_minus. reflexivity.
Qed.

Theorem quadrature_constant_twin : forall nodes row c,
  Q2R (quadrature_constant_Q nodes row c) = quadrature_constant nodes row c.
Proof.
  intros nodes row c. unfold quadrature_constant_Q, quadrature_constant. rewrite Q2R_reduced.
  replace 0 with (Q2R 0) by apply Q2R_zero.
  generalize (by_node (combine nodes row)). intro jumps. generalize 0%Q at 2 4. generalize 0%Q.
  induction jumps as [|[q a] rest step]; intros p B; cbn [area_from_Q real_jumps map area_from fst snd].
  - rewrite Q2R_piece_area, Q2R_maximum. reflexivity.
  - rewrite Q2R_plus, Q2R_piece_area. f_equal. rewrite step, Q2R_reduced, Q2R_plus. reflexivity.
Qed.
