(** * Linear forcing in powers of the matrix

    For f(u) = f(y) + A(u − y) + r with a bounded linear A, the exact solution and a Runge–Kutta step are written in
    powers of A applied to f(y) and to the forcing: Σ_m A^m (s^{m+1}/(m+1)! f(y) + T_m(s)), T_m the iterated primitives
    of r, and Σ_m (hA)^m bᵀ𝒜^m (…). What n terms leave of the first is at most α^n c s^{n+1}/(n+1)!, α a bound of A, c
    of the speed; the second ends with the stages. [affine_part_and_remainder.v] compares the two. *)

From Coq Require Import Reals Lra Lia Psatz QArith Qreals List.
From NatrobProofs Require Import normed_space mean_value butcher_tableau tableaus runge_kutta quadrature_defect.
From NatrobProofs Require Import local_error perturbed_recursion.
Import ListNotations.
Open Scope R_scope.
Open Scope vector_scope.

(** ** Derivatives *)

(** k s^{n+1}/(n+1)! has the slope k s^n/n!. *)
Lemma power_term_has_slope : forall k n s,
  derivable_pt_lim (fun t => k * (t ^ S n / INR (fact (S n)))) s (k * (s ^ n / INR (fact n))).
Proof.
  intros k n s. pose proof (derivable_pt_lim_pow s (S n)) as slope.
  apply (derivable_pt_lim_scal _ (k / INR (fact (S n)))) in slope. simpl pred in slope.
  pose proof (INR_fact_neq_0 n) as nonzero. assert (INR (S n) <> 0) as counted by (apply not_0_INR; lia).
  replace (k * (s ^ n / INR (fact n))) with (k / INR (fact (S n)) * (INR (S n) * s ^ n)).
  2: { rewrite fact_simpl, mult_INR. field. auto. }
  intros epsilon positive. destruct (slope epsilon positive) as [delta near]. exists delta. intros h other small.
  specialize (near h other small). unfold mult_real_fct in near.
  replace (k * ((s + h) ^ S n / INR (fact (S n))) - k * (s ^ S n / INR (fact (S n))))
    with (k / INR (fact (S n)) * (s + h) ^ S n - k / INR (fact (S n)) * s ^ S n); [exact near|].
  field. apply INR_fact_neq_0.
Qed.

Lemma power_term_nonnegative : forall k n s, 0 <= k -> 0 <= s -> 0 <= k * (s ^ n / INR (fact n)).
Proof.
  intros k n s sign after. apply Rmult_le_pos; [assumption|]. apply Rmult_le_pos; [apply pow_le; assumption|].
  apply Rlt_le, Rinv_0_lt_compat, INR_fact_lt_0.
Qed.

Section AffinePart.

Variable V : NormedSpace.

Lemma sum_has_derivative : forall w z t (v x : V),
  has_derivative V w t v -> has_derivative V z t x -> has_derivative V (fun s => w s ⊕ z s) t (v ⊕ x).
Proof.
  intros w z t v x of_w of_z epsilon positive.
  destruct (of_w (epsilon / 2) ltac:(lra)) as [delta_w [positive_w near_w]].
  destruct (of_z (epsilon / 2) ltac:(lra)) as [delta_z [positive_z near_z]].
  exists (Rmin delta_w delta_z). split; [apply Rmin_pos; assumption|]. intros h nonzero small.
  pose proof (near_w h nonzero (Rlt_le_trans _ _ _ small (Rmin_l _ _))) as close_w.
  pose proof (near_z h nonzero (Rlt_le_trans _ _ _ small (Rmin_r _ _))) as close_z.
  replace ((/ h) • ((w (t + h) ⊕ z (t + h)) ⊖ (w t ⊕ z t)) ⊖ (v ⊕ x))
    with (((/ h) • (w (t + h) ⊖ w t) ⊖ v) ⊕ ((/ h) • (z (t + h) ⊖ z t) ⊖ x)) by vector.
  apply Rle_lt_trans with (1 := norm_triangle _ _ _). lra.
Qed.

Lemma scalar_has_derivative : forall (g : R -> R) t slope (d : V),
  derivable_pt_lim g t slope -> has_derivative V (fun s => g s • d) t (slope • d).
Proof.
  intros g t slope d derivative epsilon positive. pose proof (norm_nonnegative V d) as size.
  assert (0 < epsilon / (‖d‖ + 1)) as share by (apply Rdiv_lt_0_compat; lra).
  destruct (derivative _ share) as [delta near]. exists delta. split; [apply cond_pos|]. intros h nonzero small.
  pose proof (near h nonzero small) as close.
  replace ((/ h) • (g (t + h) • d ⊖ g t • d) ⊖ slope • d) with (((g (t + h) - g t) / h - slope) • d)
    by (unfold Rdiv; vector).
  rewrite norm_scale. apply Rle_lt_trans with (epsilon / (‖d‖ + 1) * ‖d‖); [apply Rmult_le_compat_r; lra|].
  apply Rlt_le_trans with (epsilon / (‖d‖ + 1) * (‖d‖ + 1)); [apply Rmult_lt_compat_l; lra|]. right. field. lra.
Qed.

Variable A : V -> V.
Variable alpha : R.
Hypothesis A_adds : forall p q, A (p ⊕ q) = A p ⊕ A q.
Hypothesis A_scales : forall a p, A (a • p) = a • A p.
Hypothesis A_bounded : forall p, ‖A p‖ <= alpha * ‖p‖.
Hypothesis alpha_nonnegative : 0 <= alpha.

Lemma A_zero : A zero = zero.
Proof.
  transitivity (A (0 • zero)); [rewrite scale_zero; reflexivity|]. rewrite A_scales. apply scale_zero.
Qed.

Lemma A_subtracts : forall p q, A (p ⊖ q) = A p ⊖ A q.
Proof.
  intros p q. rewrite !opposite_is_scale, A_adds, A_scales. reflexivity.
Qed.

Lemma linear_has_derivative : forall w t v, has_derivative V w t v -> has_derivative V (fun s => A (w s)) t (A v).
Proof.
  intros w t v derivative epsilon positive.
  assert (0 < epsilon / (alpha + 1)) as share by (apply Rdiv_lt_0_compat; lra).
  destruct (derivative _ share) as [delta [positive_delta near]]. exists delta. split; [assumption|].
  intros h nonzero small. pose proof (near h nonzero small) as close.
  replace ((/ h) • (A (w (t + h)) ⊖ A (w t)) ⊖ A v) with (A ((/ h) • (w (t + h) ⊖ w t) ⊖ v))
    by (rewrite A_subtracts, A_scales, A_subtracts; reflexivity).
  apply Rle_lt_trans with (1 := A_bounded _).
  apply Rle_lt_trans with (alpha * (epsilon / (alpha + 1))); [apply Rmult_le_compat_l; lra|].
  apply Rlt_le_trans with ((alpha + 1) * (epsilon / (alpha + 1))); [apply Rmult_lt_compat_r; lra|]. right. field. lra.
Qed.

Fixpoint power (n : nat) (v : V) : V :=
  match n with
  | O => v
  | S before => A (power before v)
  end.

Lemma power_adds : forall n p q, power n (p ⊕ q) = power n p ⊕ power n q.
Proof.
  induction n as [|n step]; intros p q; simpl; [reflexivity|]. rewrite step. apply A_adds.
Qed.

Lemma power_scales : forall n a p, power n (a • p) = a • power n p.
Proof.
  induction n as [|n step]; intros a p; simpl; [reflexivity|]. rewrite step. apply A_scales.
Qed.

Lemma power_zero : forall n, power n zero = zero.
Proof.
  induction n as [|n step]; simpl; [reflexivity|]. rewrite step. apply A_zero.
Qed.

Lemma power_inside : forall n p, power n (A p) = A (power n p).
Proof.
  induction n as [|n step]; intro p; simpl; [reflexivity|]. rewrite step. reflexivity.
Qed.

Lemma power_bounded : forall n p, ‖power n p‖ <= alpha ^ n * ‖p‖.
Proof.
  induction n as [|n step]; intro p; simpl; [lra|]. apply Rle_trans with (1 := A_bounded _).
  rewrite Rmult_assoc. apply Rmult_le_compat_l; [assumption|apply step].
Qed.

Lemma power_has_derivative : forall n w t v,
  has_derivative V w t v -> has_derivative V (fun s => power n (w s)) t (power n v).
Proof.
  induction n as [|n step]; intros w t v derivative; simpl; [exact derivative|].
  apply linear_has_derivative. apply step. assumption.
Qed.

(** ** The exact solution *)

Variable f0 y : V.
Variable u r : R -> V.
Variable primitive : nat -> R -> V.
Variable h c : R.
Hypothesis forward : 0 <= h.
Hypothesis start : u 0 = y.
Hypothesis solves : forall s, 0 <= s <= h -> has_derivative V u s (f0 ⊕ A (u s ⊖ y) ⊕ r s).
Hypothesis speed : forall s, 0 <= s <= h -> ‖f0 ⊕ A (u s ⊖ y) ⊕ r s‖ <= c.
Hypothesis speed_nonnegative : 0 <= c.
Hypothesis primitive_starts : forall m, primitive m 0 = zero.
Hypothesis primitive_of_r : forall s, 0 <= s <= h -> has_derivative V (primitive O) s (r s).
Hypothesis primitive_of_primitive : forall m s, 0 <= s <= h -> has_derivative V (primitive (S m)) s (primitive m s).

(** Σ_{m<n} A^m (s^{m+1}/(m+1)! f(y) + T_m(s)), T_m the iterated primitives of r *)
Fixpoint exact_sum (n : nat) (s : R) : V :=
  match n with
  | O => zero
  | S m => exact_sum m s ⊕ power m ((1 * (s ^ S m / INR (fact (S m)))) • f0 ⊕ primitive m s)
  end.

Lemma exact_sum_has_derivative : forall n s, 0 <= s <= h ->
  has_derivative V (exact_sum (S n)) s (f0 ⊕ r s ⊕ A (exact_sum n s)).
Proof.
  intros n s inside. induction n as [|n step].
  - replace (f0 ⊕ r s ⊕ A (exact_sum 0 s)) with (zero ⊕ ((1 * (s ^ 0 / INR (fact 0))) • f0 ⊕ r s)).
    2: { cbn [exact_sum]. rewrite A_zero. replace (1 * (s ^ 0 / INR (fact 0))) with 1 by (simpl; field). vector. }
    apply (sum_has_derivative (fun _ => zero) (fun t => (1 * (t ^ 1 / INR (fact 1))) • f0 ⊕ primitive 0 t)).
    + intros epsilon positive. exists 1. split; [lra|]. intros k nonzero _.
      replace ((/ k) • ((zero : V) ⊖ zero) ⊖ zero) with (zero : V) by vector. rewrite norm_zero. assumption.
    + apply sum_has_derivative; [|apply primitive_of_r; assumption].
      apply (scalar_has_derivative (fun t => 1 * (t ^ 1 / INR (fact 1)))). apply power_term_has_slope.
  - replace (f0 ⊕ r s ⊕ A (exact_sum (S n) s)) with ((f0 ⊕ r s ⊕ A (exact_sum n s))
      ⊕ power (S n) ((1 * (s ^ S n / INR (fact (S n)))) • f0 ⊕ primitive n s)).
    2: { change (exact_sum (S n) s)
           with (exact_sum n s ⊕ power n ((1 * (s ^ S n / INR (fact (S n)))) • f0 ⊕ primitive n s)).
         rewrite A_adds. change (power (S n) ((1 * (s ^ S n / INR (fact (S n)))) • f0 ⊕ primitive n s))
           with (A (power n ((1 * (s ^ S n / INR (fact (S n)))) • f0 ⊕ primitive n s))).
         set (first := A (exact_sum n s)). set (last := A (power n _)). vector. }
    apply (sum_has_derivative (exact_sum (S n))
      (fun t => power (S n) ((1 * (t ^ S (S n) / INR (fact (S (S n))))) • f0 ⊕ primitive (S n) t))); [assumption|].
    apply (power_has_derivative (S n) (fun t => (1 * (t ^ S (S n) / INR (fact (S (S n))))) • f0 ⊕ primitive (S n) t)).
    apply sum_has_derivative; [|apply primitive_of_primitive; assumption].
    apply (scalar_has_derivative (fun t => 1 * (t ^ S (S n) / INR (fact (S (S n)))))). apply power_term_has_slope.
Qed.

Lemma exact_sum_starts : forall n, exact_sum n 0 = zero.
Proof.
  induction n as [|n step]; [reflexivity|]. simpl exact_sum. rewrite step, primitive_starts.
  replace (1 * (0 * 0 ^ n / INR (fact n + n * fact n))) with 0 by (unfold Rdiv; ring).
  rewrite scale_zero, !add_zero, power_zero. apply add_zero.
Qed.

Let rest (n : nat) (s : R) : V := (u s ⊖ y) ⊖ exact_sum n s.

Lemma rest_has_derivative : forall n s, 0 <= s <= h -> has_derivative V (rest (S n)) s (A (rest n s)).
Proof.
  intros n s inside. unfold rest. rewrite A_subtracts.
  replace (A (u s ⊖ y) ⊖ A (exact_sum n s))
    with ((f0 ⊕ A (u s ⊖ y) ⊕ r s) ⊕ (-1) • (f0 ⊕ r s ⊕ A (exact_sum n s))) by vector.
  pose proof (sum_has_derivative u (fun t => (-1) • exact_sum (S n) t) s _ ((-1) • (f0 ⊕ r s ⊕ A (exact_sum n s)))
    (solves s inside)) as both.
  assert (has_derivative V (fun t => (-1) • exact_sum (S n) t) s ((-1) • (f0 ⊕ r s ⊕ A (exact_sum n s)))) as negative.
  { intros epsilon positive. destruct (exact_sum_has_derivative n s inside epsilon positive) as [delta [small near]].
    exists delta. split; [assumption|]. intros k nonzero close. pose proof (near k nonzero close) as bound.
    rewrite <- norm_opposite in bound. set (after := exact_sum (S n) (s + k)) in *.
    set (before := exact_sum (S n) s) in *. set (slope := f0 ⊕ r s ⊕ A (exact_sum n s)) in *.
    replace ((/ k) • ((-1) • after ⊖ (-1) • before) ⊖ (-1) • slope)
      with (opposite ((/ k) • (after ⊖ before) ⊖ slope)) by vector. exact bound. }
  specialize (both negative). intros epsilon positive. destruct (both epsilon positive) as [delta [small near]].
  exists delta. split; [assumption|]. intros k nonzero close. pose proof (near k nonzero close) as bound.
  set (after := exact_sum (S n) (s + k)) in *. set (before := exact_sum (S n) s) in *.
  set (u_after := u (s + k)) in *. set (u_before := u s) in *.
  set (slope := (f0 ⊕ A (u_before ⊖ y) ⊕ r s) ⊕ (-1) • (f0 ⊕ r s ⊕ A (exact_sum n s))) in *.
  replace ((/ k) • ((u_after ⊖ y ⊖ after) ⊖ (u_before ⊖ y ⊖ before)) ⊖ slope)
    with ((/ k) • ((u_after ⊕ (-1) • after) ⊖ (u_before ⊕ (-1) • before)) ⊖ slope) by vector. exact bound.
Qed.

(** The series, and what n terms of it leave: ‖rest‖ ≤ α^n c s^{n+1}/(n+1)!. *)
Theorem exact_series : forall n s, 0 <= s <= h -> ‖rest n s‖ <= alpha ^ n * c * (s ^ S n / INR (fact (S n))).
Proof.
  induction n as [|n step]; intros s inside.
  - unfold rest. cbn [exact_sum]. replace (u s ⊖ y ⊖ zero) with (u s ⊖ u 0) by (rewrite start; vector).
    replace (alpha ^ 0 * c * (s ^ 1 / INR (fact 1))) with (c * (s - 0)) by (simpl; field).
    apply (move_at_most V u (fun t => f0 ⊕ A (u t ⊖ y) ⊕ r t)); [lra|..]; intros t between;
      [apply solves|apply speed]; lra.
  - replace (rest (S n) s) with (rest (S n) s ⊖ rest (S n) 0).
    2: { unfold rest at 2. rewrite start, exact_sum_starts. set (end_rest := rest (S n) s). vector. }
    replace (alpha ^ S n * c * (s ^ S (S n) / INR (fact (S (S n))))) with
      (alpha ^ S n * c * (s ^ S (S n) / INR (fact (S (S n))))
       - alpha ^ S n * c * (0 ^ S (S n) / INR (fact (S (S n))))).
    2: { replace (0 ^ S (S n)) with 0 by (simpl; ring). unfold Rdiv. ring. }
    apply (mean_value_inequality V (rest (S n)) (fun t => A (rest n t))
      (fun t => alpha ^ S n * c * (t ^ S (S n) / INR (fact (S (S n)))))
      (fun t => alpha ^ S n * c * (t ^ S n / INR (fact (S n))))); [lra|..].
    + intros t between. apply rest_has_derivative. lra.
    + intros. apply power_term_has_slope.
    + intros t between. apply Rle_trans with (1 := A_bounded _).
      replace (alpha ^ S n * c * (t ^ S n / INR (fact (S n))))
        with (alpha * (alpha ^ n * c * (t ^ S n / INR (fact (S n)))))
        by (rewrite <- (tech_pow_Rmult alpha n); set (q := t ^ S n / INR (fact (S n))); ring).
      apply Rmult_le_compat_l; [assumption|]. apply step. lra.
Qed.

(** The forcing grows with the distance from y, at most K_ρ c s, and its primitives with it. *)
Variable K_rho : R.
Hypothesis K_rho_nonnegative : 0 <= K_rho.
Hypothesis forcing : forall s, 0 <= s <= h -> ‖r s‖ <= K_rho * ‖u s ⊖ y‖.

Lemma forcing_at : forall s, 0 <= s <= h -> ‖r s‖ <= K_rho * c * (s ^ 1 / INR (fact 1)).
Proof.
  intros s inside. apply Rle_trans with (1 := forcing s inside).
  replace (K_rho * c * (s ^ 1 / INR (fact 1))) with (K_rho * (c * (s - 0))) by (simpl; field).
  apply Rmult_le_compat_l; [assumption|]. rewrite <- start.
  apply (move_at_most V u (fun t => f0 ⊕ A (u t ⊖ y) ⊕ r t)); [lra|..]; intros t between;
    [apply solves|apply speed]; lra.
Qed.

Lemma primitive_at : forall m s, 0 <= s <= h -> ‖primitive m s‖ <= K_rho * c * (s ^ S (S m) / INR (fact (S (S m)))).
Proof.
  assert (forall m (w w' : R -> V), w 0 = zero -> (forall s, 0 <= s <= h -> has_derivative V w s (w' s)) ->
    (forall s, 0 <= s <= h -> ‖w' s‖ <= K_rho * c * (s ^ S m / INR (fact (S m)))) ->
    forall s, 0 <= s <= h -> ‖w s‖ <= K_rho * c * (s ^ S (S m) / INR (fact (S (S m))))) as integrated.
  { intros m w w' at_zero derivative bound s inside. replace (w s) with (w s ⊖ w 0) by (rewrite at_zero; vector).
    replace (K_rho * c * (s ^ S (S m) / INR (fact (S (S m))))) with
      (K_rho * c * (s ^ S (S m) / INR (fact (S (S m)))) - K_rho * c * (0 ^ S (S m) / INR (fact (S (S m))))).
    2: { replace (0 ^ S (S m)) with 0 by (simpl; ring). unfold Rdiv. ring. }
    apply (mean_value_inequality V w w' (fun t => K_rho * c * (t ^ S (S m) / INR (fact (S (S m)))))
      (fun t => K_rho * c * (t ^ S m / INR (fact (S m))))); [lra|..]; intros t between.
    - apply derivative. lra.
    - apply power_term_has_slope.
    - apply bound. lra. }
  induction m as [|m step]; intros s inside.
  - apply (integrated O (primitive O) r); auto. apply forcing_at.
  - apply (integrated (S m) (primitive (S m)) (primitive m)); auto.
Qed.

(** ** The numerical solution *)

Fixpoint plus_rows (one other : list Q) : list Q :=
  match one, other with
  | [], rest => rest
  | rest, [] => rest
  | a :: one', b :: other' => (a + b)%Q :: plus_rows one' other'
  end.

Definition times_row (a : Q) (row : list Q) : list Q := map (fun entry => (a * entry)%Q) row.

(** βᵀ𝒜 *)
Fixpoint through_rows (beta : list Q) (rows : list (list Q)) : list Q :=
  match beta, rows with
  | a :: beta', row :: rows' => plus_rows (times_row a row) (through_rows beta' rows')
  | _, _ => []
  end.

(** βᵀ𝒜^m *)
Fixpoint through_powers (m : nat) (beta : list Q) (rows : list (list Q)) : list Q :=
  match m with
  | O => beta
  | S before => through_rows (through_powers before beta rows) rows
  end.

Lemma zero_add : forall v : V, zero ⊕ v = v.
Proof.
  intro v. rewrite add_commutes. apply add_zero.
Qed.

Lemma combined_of_nothing : forall coefficients, combined V coefficients [] = zero.
Proof.
  destruct coefficients; reflexivity.
Qed.

Lemma combined_plus : forall one other ks,
  combined V (plus_rows one other) ks = combined V one ks ⊕ combined V other ks.
Proof.
  induction one as [|a one step]; intros other ks.
  - simpl. symmetry. apply zero_add.
  - destruct other as [|b other]; [simpl; destruct ks; symmetry; apply add_zero|].
    destruct ks as [|k ks]; [simpl; symmetry; apply add_zero|]. simpl. rewrite step, Q2R_plus.
    set (first := combined V one ks). set (second := combined V other ks). vector.
Qed.

Lemma combined_times : forall a row ks, combined V (times_row a row) ks = Q2R a • combined V row ks.
Proof.
  intro a. induction row as [|b row step]; intros [|k ks]; simpl; try (symmetry; apply scale_of_zero).
  rewrite step, Q2R_mult. set (more := combined V row ks). vector.
Qed.

Lemma combined_through_rows : forall beta rows ks,
  combined V beta (map (fun row => combined V row ks) rows) = combined V (through_rows beta rows) ks.
Proof.
  induction beta as [|a beta step]; intros [|row rows] ks; simpl; try reflexivity.
  rewrite combined_plus, combined_times, step. reflexivity.
Qed.

(** Each slope is f(y) + A(h Σ a_jl k_l) + r̂_j. *)
Fixpoint balanced (ks : list V) (rows : list (list Q)) (forces own : list V) : Prop :=
  match rows, forces, own with
  | [], [], [] => True
  | row :: rows', force :: forces', k :: own' =>
      k = f0 ⊕ A (h • combined V row ks) ⊕ force /\ balanced ks rows' forces' own'
  | _, _, _ => False
  end.

(** bᵀ𝒜^m𝟙: the coefficient r_{m+1} of the stability polynomial *)
Definition weight_sum (beta : list Q) (rows : list (list Q)) : R := total Q2R beta (map (fun _ => 1) rows).

Lemma combined_balanced : forall ks beta rows forces own, balanced ks rows forces own ->
  combined V beta own = (weight_sum beta rows • f0 ⊕ combined V beta forces)
    ⊕ A (h • combined V (through_rows beta rows) ks).
Proof.
  intros ks. induction beta as [|a beta step]; intros rows forces own balance.
  - unfold weight_sum. simpl. rewrite scale_zero, scale_of_zero, A_zero, !add_zero. reflexivity.
  - destruct rows as [|row rows], forces as [|force forces], own as [|k own]; simpl in balance; try contradiction.
    + unfold weight_sum. simpl. rewrite scale_zero, scale_of_zero, A_zero, !add_zero. reflexivity.
    + destruct balance as [head tail]. unfold weight_sum in *. simpl.
      rewrite (step _ _ _ tail), head, combined_plus, combined_times, !A_scales, A_adds, A_scales.
      set (sums := total Q2R beta (map (fun _ => 1) rows)). set (more := combined V beta forces).
      set (Arow := A (combined V row ks)). set (Arest := A (combined V (through_rows beta rows) ks)). vector.
Qed.

Fixpoint numerical_sum (beta : list Q) (rows : list (list Q)) (forces : list V) (n : nat) : V :=
  match n with
  | O => zero
  | S m => numerical_sum beta rows forces m ⊕ power m (h ^ S m •
      (weight_sum (through_powers m beta rows) rows • f0 ⊕ combined V (through_powers m beta rows) forces))
  end.

Theorem numerical_series : forall beta rows forces ks n, balanced ks rows forces ks ->
  h • combined V beta ks = numerical_sum beta rows forces n
    ⊕ power n (h ^ S n • combined V (through_powers n beta rows) ks).
Proof.
  intros beta rows forces ks n balance. induction n as [|n step].
  - simpl. rewrite Rmult_1_r. set (all := combined V beta ks). vector.
  - rewrite step. cbn [numerical_sum through_powers power]. set (gamma := through_powers n beta rows).
    rewrite (combined_balanced ks gamma rows forces ks balance).
    rewrite A_scales, !power_scales, power_adds, power_scales, power_inside, A_scales.
    set (early := numerical_sum beta rows forces n).
    set (first := power n (weight_sum gamma rows • f0 ⊕ combined V gamma forces)).
    set (last := A (power n (combined V (through_rows gamma rows) ks))).
    replace (h ^ S (S n)) with (h ^ S n * h) by (simpl; ring). vector.
Qed.

End AffinePart.
